// Keys and clicks in a folder: open, up, rename, delete, select, jump by typing.
import { hint, inspect, isInspecting } from "./folder.js";
import * as clipboard from "./folder_clipboard.js";
import { focusRow, folder, goTo, lastPlace, rove } from "./folder_focus.js";
import * as selection from "./folder_selection.js";
import { rowAt, seen, table, total } from "./folder_window.js";

const PATIENCE = 250;
let typed = "";
let typedAt = 0;
let waiting = 0;

const current = () => document.activeElement?.closest?.("table[data-files] tr[data-row]") ?? null;
const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
const busyElsewhere = () => document.querySelector("dialog[open], .row-menu:popover-open");

// The selection, or without one the row one is on.
function meant() {
  const ids = selection.ids();
  return ids.length ? ids : current() ? [current().dataset.name] : [];
}

function ask(verb, ids) {
  const query = new URLSearchParams(ids.map((id) => ["id", id]));
  htmx.ajax("GET", `${folder().dataset.ask}${verb}?${query}`, { target: "#dialog", source: folder(), swap: "innerHTML" });
}

function askAbout(verb) {
  const button = document.querySelector(`#selection [data-selection=${verb}]`);
  if (!button) return;
  if (selection.ids().length) button.click();
  else if (current()) ask(verb, [current().dataset.name]);
}

function rename() {
  const ids = meant();
  if (ids.length === 1 && document.querySelector("#selection [data-selection=move]")) ask("rename", ids);
  else if (ids.length > 1) hint("One entry at a time can be renamed.");
}

function jump(letter) {
  if (Date.now() - typedAt > 900) typed = "";
  typedAt = Date.now();
  typed += letter.toLowerCase();
  const rows = [...table().querySelectorAll("tr[data-row]")];
  const start = rows.indexOf(current()) + (typed.length === 1 ? 1 : 0);
  const inOrder = [...rows.slice(start), ...rows.slice(0, start)];
  const found = inOrder.find((row) => row.dataset.label.toLowerCase().startsWith(typed));
  hint(found ? "" : `No name here begins with “${typed}”. Press / to search the whole folder.`);
  if (found) walk({}, Number(found.dataset.index));
}

// Shift takes the rows on the way along, Ctrl leaves the selection as it is; else it starts over.
async function walk({ shiftKey, ctrlKey }, index) {
  if (shiftKey && current()) selection.anchorAt(current());
  const to = Math.min(Math.max(index, 0), total() - 1);
  await goTo(to);
  const row = rowAt(to);
  if (!row) return;
  if (shiftKey) await selection.extend(row);
  else if (!ctrlKey) selection.begin(row);
}

function moves(key) {
  const row = current();
  const index = row ? Number(row.dataset.index) : lastPlace();
  const [first, last] = seen();
  const page = Math.max(1, last - first - 1);
  return { ArrowDown: row ? index + 1 : index, ArrowUp: row ? index - 1 : index, Home: 0, End: total() - 1, PageDown: index + page, PageUp: index - page }[key];
}

const withControl = {
  a: () => selection.everything(),
  c: () => clipboard.take(meant(), false),
  x: () => clipboard.take(meant(), true),
  v: () => clipboard.paste(),
};

const plain = {
  Enter: () => current()?.querySelector("[data-open-row]").click(),
  " ": () => current() && selection.toggle(current()),
  Backspace: () => document.querySelector("[data-go-up]")?.click(),
  F2: rename,
  Delete: () => askAbout("delete"),
};

function act(event) {
  const inTable = !event.target.closest("a, button, summary, input") || event.target.matches("tr");
  if (event.altKey) {
    const button = document.querySelector({ ArrowUp: "[data-go-up]", KeyN: "[data-key=n]" }[event.code] ?? "#none");
    return button?.click(), Boolean(button);
  }
  const to = table() && inTable && !event.target.closest("pre, .inspector") ? moves(event.key) : undefined;
  if (to !== undefined) return walk(event, to), true;
  if (event.ctrlKey || event.metaKey) {
    const does = withControl[event.key.toLowerCase()];
    if (!does || event.shiftKey || window.getSelection()?.toString()) return false;
    return does(), true;
  }
  if (event.key === "Escape" && !isInspecting() && selection.ids().length) return selection.clear(), true;
  if (plain[event.key] && inTable && !event.target.closest(".inspector")) return plain[event.key](), true;
  if (current() && event.target.matches("tr") && event.key.length === 1 && !["/", "?"].includes(event.key)) return jump(event.key), true;
  return false;
}

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-hold]");
  if (item) clipboard.take(item.dataset.id ? [item.dataset.id] : selection.ids(), item.dataset.hold === "cut");
});

document.addEventListener("keydown", (event) => {
  if (!folder() || event.defaultPrevented || busyElsewhere()) return;
  if (typing(event.target)) {
    if (event.key === "ArrowDown" && event.target.id === "find") goTo(seen()[0]), event.preventDefault();
    return;
  }
  if (act(event)) event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("table[data-files] tr[data-row]");
  if (!row) return;
  if (event.target === row) rove(row);
  window.clearTimeout(waiting);
  if (isInspecting() && event.target === row && !row.hasAttribute("data-open")) waiting = window.setTimeout(() => row.isConnected && inspect(row), PATIENCE);
});

document.addEventListener("click", (event) => {
  const row = event.target.closest("table[data-files] tr[data-row]");
  if (!row || event.defaultPrevented || event.target.closest("a, button, input, label")) return;
  focusRow(row);
  window.clearTimeout(waiting);
  if (event.detail > 1) row.querySelector("[data-open-row]").click();
  else waiting = window.setTimeout(() => row.isConnected && inspect(row), row.dataset.state === "folder" ? PATIENCE : 0);
});
