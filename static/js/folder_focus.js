// Which row of a folder has the focus, or would have it.
import { reach, table } from "./folder_window.js";

let last = 0;

export const folder = () => document.getElementById("folder");
export const rowNamed = (name) => [...(table()?.querySelectorAll("tr[data-row]") ?? [])].find((row) => row.dataset.name === name);

// Where the row was that had the focus last.
export const lastPlace = () => last;

// The row that Tab leads to, and that one comes back to.
export function rove(row) {
  for (const other of table().querySelectorAll("tr[data-row][tabindex='0']")) other.tabIndex = -1;
  row.tabIndex = 0;
  last = Number(row.dataset.index);
}

export function focusRow(row) {
  if (!row) return;
  rove(row);
  row.focus({ preventScroll: true });
}

export async function goTo(index) {
  focusRow(await reach(index));
}
