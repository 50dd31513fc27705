// Tables one can walk through: arrows, Home, End, Enter, Space, selection of many.
const rows = () => [...document.querySelectorAll("[data-grid] tbody tr[data-row]")];
const boxOf = (row) => row.querySelector(".check input");
let last = null;

export function currentRow() {
  return document.activeElement?.closest?.("tr[data-row]") ?? null;
}

export function selectedNames() {
  return rows().filter((row) => boxOf(row)?.checked).map((row) => row.dataset.name);
}

export function clearSelection() {
  for (const row of rows()) if (boxOf(row)) boxOf(row).checked = false;
  update();
}

function update() {
  if (!document.querySelector("[data-grid]")) return;
  const all = rows();
  const chosen = all.filter((row) => boxOf(row)?.checked);
  for (const row of all) row.toggleAttribute("data-selected", Boolean(boxOf(row)?.checked));
  const count = document.querySelector("[data-selected-count]");
  if (count) count.textContent = `${chosen.length} selected`;
  const everything = document.querySelector("[data-select-all]");
  if (everything) {
    everything.checked = all.length > 0 && chosen.length === all.length;
    everything.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
  if (all.length && !all.some((row) => row.tabIndex === 0)) all[0].tabIndex = 0;
}

function focusRow(row) {
  if (!row) return;
  for (const other of rows()) other.tabIndex = other === row ? 0 : -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

function selectRange(from, to) {
  const all = rows();
  const [start, end] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  for (const row of all.slice(Math.max(start, 0), end + 1)) boxOf(row).checked = true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const row = currentRow();
  const all = rows();
  if (!all.length) return;
  const place = all.indexOf(row);
  if (!row && (event.key === "ArrowDown" || event.key === "ArrowUp") && !event.target.closest("input, textarea, select, summary, [role=menu], pre")) {
    focusRow(all.find((each) => each.tabIndex === 0) ?? all[0]);
    event.preventDefault();
    return;
  }
  if (!row || event.target !== row) return;
  const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1, PageDown: place + 15, PageUp: place - 15 };
  if (event.key in moves) {
    const next = all[Math.min(Math.max(moves[event.key], 0), all.length - 1)];
    if (event.shiftKey && boxOf(row)) selectRange(row, next);
    focusRow(next);
  } else if (event.key === "Enter") {
    row.querySelector("[data-open-row]")?.click();
  } else if (event.key === " ") {
    const box = boxOf(row);
    if (box) box.checked = !box.checked;
  } else {
    return;
  }
  update();
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-select-none]")) clearSelection();
  const row = event.target.closest("[data-grid] tr[data-row]");
  if (!row) return;
  if (event.target.closest(".check")) {
    if (event.shiftKey && last?.isConnected) selectRange(last, row);
    last = row;
  } else if (!event.target.closest("a, button, input, label, summary")) {
    focusRow(row);
    row.querySelector("[data-open-row]")?.click();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) {
    for (const row of rows()) if (boxOf(row)) boxOf(row).checked = event.target.checked;
  }
  if (event.target.closest("[data-grid]")) update();
});

document.body.addEventListener("htmx:afterSettle", update);
update();
