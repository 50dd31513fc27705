// The folder page: going in and out keeps one's place, a refresh keeps what one sees, and trouble stays beside the list.
import { layOut, look, rowAt, table, wanted } from "./folder_window.js";
import { focusRow, folder, goTo, lastPlace, rowNamed } from "./folder_focus.js";
import { showMade } from "./folder_made.js";
import { comeBack, leave } from "./folder_place.js";
import * as selection from "./folder_selection.js";
import { errorIn } from "./swaps.js";

const pane = document.getElementById("inspector");
const scroller = () => folder()?.querySelector(".table-scroll");
let before = null;
let cameFrom = "";
let left = false;

export const hint = (text) => {
  const place = folder()?.querySelector("[data-hint]");
  if (place) place.textContent = text;
};

// What a click shows beside the list: of a folder its details, not what is in it.
export function inspect(row) {
  htmx.ajax("GET", row.dataset.look ?? row.dataset.url, { target: pane, source: pane, swap: "innerHTML" });
}

export const isInspecting = () => Boolean(pane?.querySelector("[data-inspects]"));

function settle() {
  const now = folder();
  if (!now) return;
  document.title = `${now.dataset.title} · Demijohn`;
  const sameFolder = before && before.path === now.dataset.path;
  layOut();
  if (scroller()) scroller().scrollTop = sameFolder && before.query === now.dataset.query ? before.top : 0;
  if (sameFolder) selection.narrow(before.query, now.dataset.query);
  selection.show();
  if (sameFolder) keepFocus();
  else if (before) arrive();
  before = null;
  look().then(showMade);
}

// The focus is never nowhere: where what had it is gone, it goes to the row in its place.
function keepFocus() {
  const { active, name, index } = before;
  if (document.activeElement !== document.body || !(active || left)) return;
  left = false;
  if (active?.isConnected && !name) active.focus({ preventScroll: true });
  if (document.activeElement !== document.body) return;
  const row = rowNamed(name) ?? rowAt(index ?? lastPlace()) ?? table()?.querySelector("tr[data-row]");
  if (row) focusRow(row);
  else folder().focus({ preventScroll: true });
}

function arrive() {
  selection.clear();
  const row = rowNamed(cameFrom) ?? table()?.querySelector("tr[data-row]");
  if (row) goTo(Number(row.dataset.index));
  else folder().focus({ preventScroll: true });
  cameFrom = "";
}

document.body.addEventListener("htmx:configRequest", (event) => {
  const { elt, triggeringEvent } = event.detail;
  if (elt.id !== "folder" || triggeringEvent?.type !== "files:changed") return;
  const [offset, limit] = wanted();
  Object.assign(event.detail.parameters, { offset, limit });
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr } = event.detail;
  const { elt } = event.detail.requestConfig;
  if (target !== folder() || !target) return;
  if (xhr.status >= 400) {
    event.detail.shouldSwap = false;
    trouble(elt, xhr);
    return;
  }
  const active = target.contains(document.activeElement) ? document.activeElement : null;
  const row = active?.closest("tr[data-row]")?.dataset;
  before = { path: target.dataset.path, query: target.dataset.query, top: scroller()?.scrollTop ?? 0, active, name: row?.name, index: row?.index };
  // A morph leaves what is in the element that has the focus as it was.
  if (!active?.matches("input")) active?.blur();
  const goes = new URL(xhr.responseURL).pathname;
  if (goes !== new URL(target.dataset.url, window.location.href).pathname) {
    cameFrom = before.path;
    leave();
    pane?.replaceChildren();
  }
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (before && folder() && (event.detail.target?.id === "folder" || event.target.id === "folder")) settle();
});

function trouble(elt, xhr) {
  const text = errorIn(xhr);
  if (elt.id === "folder" && (xhr.status === 404 || xhr.status === 409)) {
    gone(text);
    return;
  }
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { text, bad: true } }));
  if (xhr.status === 404 && elt.id !== "folder") window.setTimeout(() => htmx.trigger(document.body, "files:changed"), 0);
}

function gone(text) {
  const blank = document.getElementById("folder-gone").content.cloneNode(true);
  blank.querySelector("[data-said]").textContent = text;
  const out = blank.querySelector("[data-way-out]");
  if (folder().dataset.up) out.href = folder().dataset.up;
  else out.remove();
  (scroller() ?? folder().querySelector(".blank"))?.replaceWith(blank);
  pane?.replaceChildren();
}

// What a dialog takes away is not selected any more.
document.body.addEventListener("demijohn:done", (event) => {
  const form = event.target.closest("form[data-takes-away]");
  left = true;
  if (form) selection.forget([...form.querySelectorAll("[name=id], [name=from_id]")].map((each) => each.value));
  if (event.detail.event === "volume") htmx.trigger(document.body, "files:changed");
});

// Where a dialog could not be made as something is gone, the list shows that.
document.body.addEventListener("htmx:responseError", (event) => {
  if (folder() && event.detail.xhr.status === 404 && event.detail.target?.id === "dialog") htmx.trigger(document.body, "files:changed");
});
document.body.addEventListener("job:over", () => htmx.trigger(document.body, "files:changed"));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && folder()) htmx.trigger(document.body, "files:changed");
});

// A page that waits for its helper is made anew as soon as that is there.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, xhr } = event.detail;
  if (elt.id !== "preparing" || !elt.closest("[data-waits]") || xhr.responseText.includes('id="preparing"')) return;
  event.detail.shouldSwap = false;
  window.location.reload();
});

if (folder()) {
  layOut();
  comeBack(focusRow).then(look);
}
