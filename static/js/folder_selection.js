// What is selected in a folder: by id, so that it stays while rows come and go. At most as many as one request may name.
import { address, rowAt, table, total } from "./folder_window.js";

export const MOST = 5000;
const chosen = new Map();
let anchor = null;

const boxOf = (row) => row.querySelector(".check input");
const shownRows = () => [...(table()?.querySelectorAll("tr[data-row]") ?? [])];
const factsOf = (row) => ({ size: row.dataset.state === "file" ? Number(row.dataset.size) : 0, type: row.dataset.state });

export const ids = () => [...chosen.keys()];

function bytes(amount) {
  const units = ["Bytes", "KiB", "MiB", "GiB", "TiB"];
  let step = 0;
  for (; amount >= 1024 && step < units.length - 1; step += 1) amount /= 1024;
  return `${step ? amount.toFixed(1) : amount} ${units[step]}`;
}

function words() {
  const all = [...chosen.values()];
  const size = all.reduce((sum, each) => sum + each.size, 0);
  const folders = all.filter((each) => each.type === "folder").length;
  const more = [size ? bytes(size) : "", folders ? `${folders} ${folders === 1 ? "folder" : "folders"} not counted` : ""].filter(Boolean);
  return `${chosen.size.toLocaleString("en")} selected${size ? `, ${more.join(", ")}` : ""}`;
}

export function show() {
  const folder = document.getElementById("folder");
  if (!folder) return;
  for (const row of shownRows()) {
    const on = chosen.has(row.dataset.name);
    boxOf(row).checked = on;
    row.toggleAttribute("data-selected", on);
  }
  folder.toggleAttribute("data-chosen", chosen.size > 0);
  const count = folder.querySelector("[data-selected-count]");
  if (count) count.textContent = chosen.size ? words() : "";
  const one = folder.querySelector("[data-download-one]");
  const alone = chosen.size === 1 && [...chosen.values()][0].type === "file";
  if (one) one.hidden = !alone;
  folder.querySelector("[data-selection=download]").hidden = alone;
  if (one && alone) one.href = one.dataset.downloadOne + ids()[0];
  for (const button of folder.querySelectorAll("[data-selection=rename]")) button.hidden = chosen.size !== 1;
  const everything = folder.querySelector("[data-select-everything]");
  if (everything) {
    everything.checked = chosen.size > 0 && chosen.size >= Math.min(total(), MOST);
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
  anchor = Number(row.dataset.index);
  show();
}

export function forget(gone) {
  for (const id of gone) chosen.delete(id);
  show();
}

async function between(first, last) {
  const rows = [];
  for (let index = first; index <= last && rowAt(index); index += 1) rows.push(rowAt(index));
  if (rows.length === last - first + 1) return rows.map((row) => [row.dataset.name, factsOf(row)]);
  const asked = address(first, Math.min(last - first + 1, MOST));
  if (!asked.searchParams.has("hidden")) asked.searchParams.set("hidden", "no");
  const answer = await fetch(asked, { headers: { Accept: "application/json" } });
  if (!answer.ok) return [];
  return (await answer.json()).entries.map((each) => [each.id, { size: each.type === "file" ? each.size : 0, type: each.type }]);
}

// From where the selection began to this row.
export async function extend(row) {
  const index = Number(row.dataset.index);
  const start = anchor ?? index;
  for (const [id, facts] of await between(Math.min(start, index), Math.max(start, index))) add(id, facts);
  anchor = start;
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
    if (event.target.checked) everything();
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
  }
}, true);

// A request about the selection is about all of it, wherever its rows are.
document.body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("#selection [data-selection]")) event.detail.parameters.id = ids();
});

document.addEventListener("files:rows", show);
