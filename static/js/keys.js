// Keys of the whole page. A link or button names its key with data-key.
import { clearSelection, currentRow, selectedNames } from "./grid.js";
import { closeInspector } from "./inspector.js";
import { openMenu } from "./menu.js";

const places = { v: "Volumes", c: "Containers", i: "Images", j: "Jobs", e: "Engines", h: "Help" };
let waitsForPlace = 0;

const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

function go(letter) {
  document.querySelector(`.side-nav [title="${places[letter]}"]`)?.click();
}

function remove() {
  if (selectedNames().length) {
    document.querySelector("[data-key=Delete]:not([role=menuitem])")?.click();
    return;
  }
  const row = currentRow();
  if (!row) return;
  const box = row.getBoundingClientRect();
  if (openMenu(row, box.left, box.bottom)) document.querySelector(".row-menu .danger")?.click();
}

function escape(target) {
  if (target.matches?.("[data-search]") && target.value) {
    target.value = "";
    target.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (!closeInspector()) {
    clearSelection();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    document.getElementById("palette").showModal();
    event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], .row-menu:popover-open")) return;
  if (event.key === "Escape") {
    escape(event.target);
    return;
  }
  if (typing(event.target)) {
    if (event.key === "ArrowDown" && event.target.matches("[data-search]")) {
      document.querySelector("tr[data-row][tabindex='0'], tr[data-row]")?.focus();
      event.preventDefault();
    }
    return;
  }
  if (Date.now() - waitsForPlace < 1200 && places[event.key]) {
    waitsForPlace = 0;
    go(event.key);
  } else if (event.key === "g") {
    waitsForPlace = Date.now();
  } else if (event.key === "/") {
    document.querySelector("[data-search]")?.focus();
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
  } else if (event.key === "n") {
    document.querySelector("[data-key=n]")?.click();
  } else if (event.key === "Delete") {
    remove();
  } else {
    return;
  }
  event.preventDefault();
});
