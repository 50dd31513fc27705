// What is selected in a folder: by id, so that it stays while rows come and go. At most as many as one request may name.
import { showBar } from "./folder_bar.js";
import { rowNamed } from "./folder_focus.js";
import { address, rowAt, table, total } from "./folder_window.js";

export const MOST = 5000;
const chosen = new Map();
let anchor = null;
let latest = 0;

const boxOf = (row) => row.querySelector(".check input");
const shownRows = () => [...(table()?.querySelectorAll("tr[data-row]") ?? [])];
const mark = ({ dataset: { name, index } }) => ({ name, index });
const factsOf = (row) => ({ size: row.dataset.state === "file" ? Number(row.dataset.size) : 0, type: row.dataset.state });

export const ids = () => [...chosen.keys()];

export function show() {
  const folder = document.getElementById("folder");
  if (!folder) return;
  for (const row of shownRows()) {
    const on = chosen.has(row.dataset.name);
    boxOf(row).checked = on;
    row.toggleAttribute("data-selected", on);
  }
  showBar(folder, chosen);
  const everything = folder.querySelector("[data-select-everything]");
  if (everything) {
    everything.checked = chosen.size > 0 && chosen.size >= total();
    everything.indeterminate = chosen.size > 0 && !everything.checked;
  }
}

function say(text) {
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { text } }));
}

function add(id, facts) {
  if (chosen.size < MOST || chosen.has(id)) chosen.set(id, facts);
}

export function clear() {
  chosen.clear();
  anchor = null;
  show();
}

export function toggle(row, on = !chosen.has(row.dataset.name)) {
  if (on) add(row.dataset.name, factsOf(row));
  else chosen.delete(row.dataset.name);
  anchor = mark(row);
  show();
}

// Where a range begins, unless one has begun already.
export function anchorAt(row) {
  anchor ??= mark(row);
}

// The selection starts over at this row, which is not selected by that.
export function begin(row) {
  if (chosen.size) clear();
  anchor = mark(row);
}

// A search that leaves out more than before takes what it hides out of the selection.
export function narrow(before, now) {
  const [was, is] = [new URLSearchParams(before), new URLSearchParams(now)];
  const hides = !(was.get("q") ?? "").includes(is.get("q") ?? "") || (was.has("hidden") && !is.has("hidden"));
  if (!hides && shownRows().length < total()) return;
  const shown = new Set(shownRows().map((row) => row.dataset.name));
  for (const id of chosen.keys()) if (!shown.has(id)) chosen.delete(id);
}

export function forget(gone) {
  for (const id of gone) chosen.delete(id);
  show();
}

// The ids and facts of the entries from one place to another, whether their rows are there or not.
export async function between(first, last) {
  const rows = [];
  for (let index = first; index <= last && rowAt(index); index += 1) rows.push(rowAt(index));
  if (rows.length === last - first + 1) return rows.map((row) => [row.dataset.name, factsOf(row)]);
  const asked = address(first, Math.min(last - first + 1, MOST));
  if (!asked.searchParams.has("hidden")) asked.searchParams.set("hidden", "no");
  const answer = await fetch(asked, { headers: { Accept: "application/json" } });
  if (!answer.ok) return [];
  return (await answer.json()).entries.map((each) => [each.id, { size: each.type === "file" ? each.size : 0, type: each.type }]);
}

// From where the selection began to this row, in place of what was selected.
export async function extend(row) {
  anchorAt(row);
  const turn = (latest += 1);
  const index = Number(row.dataset.index);
  const start = Number(rowNamed(anchor.name)?.dataset.index ?? anchor.index);
  const range = await between(Math.min(start, index), Math.max(start, index));
  if (turn !== latest || !range.length) return;
  chosen.clear();
  for (const [id, facts] of range) add(id, facts);
  if (Math.abs(index - start) >= MOST) say(`${MOST.toLocaleString("en")} are selected: no more can be at once.`);
  show();
}

// All that the folder shows, searched and hidden entries as they are.
export async function everything() {
  if (!table()) return;
  for (const [id, facts] of await between(0, Math.min(total(), MOST) - 1)) add(id, facts);
  if (total() > MOST) say(`The first ${MOST.toLocaleString("en")} of ${total().toLocaleString("en")} entries are selected: no more can be at once. Narrow the list with the search, or work on the folder itself.`);
  show();
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-everything]")) {
    if (chosen.size < Math.min(total(), MOST)) everything();
    else clear();
  }
  const row = event.target.closest?.("table[data-files] tr[data-row]");
  if (row && event.target === boxOf(row)) toggle(row, event.target.checked);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#selection [data-select-none]")) clear();
  const row = event.target.closest("table[data-files] tr[data-row]");
  if (!row || event.target.closest(".end")) return;
  if (event.shiftKey) {
    event.preventDefault();
    event.stopPropagation();
    window.getSelection()?.removeAllRanges();
    extend(row);
  } else if ((event.ctrlKey || event.metaKey) && !event.target.closest(".check")) {
    event.preventDefault();
    event.stopPropagation();
    toggle(row);
  } else if (event.detail && !event.target.closest(".check")) {
    begin(row);
  }
}, true);

// A request about the selection is about all of it, wherever its rows are.
document.body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("#selection [data-selection]")) event.detail.parameters.id = ids();
});

document.addEventListener("files:rows", show);
