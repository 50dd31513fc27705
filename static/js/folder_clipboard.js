// Copy, cut and paste of entries: a dialog asks before anything is pasted. What is held is this tab's own and outlives a page.
import { keep, kept } from "./kept.js";

const KEY = "demijohn-files";

const folder = () => document.getElementById("folder");
const held = () => kept(KEY, null);

function say(text, bad = false) {
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { text, bad } }));
}

export function take(ids, cut) {
  if (!ids.length || (cut && !document.querySelector("#selection [data-selection=move]"))) return;
  keep(KEY, { place: folder().dataset.place, ids, cut });
  say(`${ids.length === 1 ? "One entry is" : `${ids.length.toLocaleString("en")} entries are`} held to be ${cut ? "moved" : "copied"}. Paste with Ctrl V where it shall go.`);
  show();
}

export function paste() {
  const what = held();
  if (!what) say("Nothing is held. Select entries and press Ctrl C to copy or Ctrl X to move them, then paste where they shall go.");
  if (!what || !document.querySelector("#selection [data-selection=move]")) return;
  if (what.place !== folder().dataset.place) {
    say("What is held is in another volume. Download it there and upload it here, or clone the whole volume.", true);
    return;
  }
  const parent = (id) => id.split("/").slice(0, -1).join("/");
  const here = folder().dataset.path;
  const twin = !what.cut && what.ids.some((id) => parent(id) === here);
  const values = { id: what.ids, into_id: here, exists: twin ? "keep-both" : "refuse" };
  htmx.ajax("POST", `${folder().dataset.ask}ask/${what.cut ? "move" : "copy"}`, { target: "#dialog", source: folder(), swap: "innerHTML", values });
}

function show() {
  const what = held();
  const button = folder()?.querySelector("[data-paste]");
  if (button) button.hidden = what?.place !== folder().dataset.place;
  const cut = new Set(what?.cut && what.place === folder()?.dataset.place ? what.ids : []);
  for (const row of document.querySelectorAll("table[data-files] tr[data-row]")) row.toggleAttribute("data-cut", cut.has(row.dataset.name));
}

// What was cut is pasted once.
document.body.addEventListener("demijohn:done", (event) => {
  const moved = [...event.target.querySelectorAll("[name=from_id]")];
  const what = held();
  if (what?.cut && moved.some((field) => what.ids.includes(field.value))) keep(KEY, null);
  show();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-paste]")) paste();
});
document.body.addEventListener("htmx:afterSwap", show);
document.addEventListener("files:rows", show);
show();
