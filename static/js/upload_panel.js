// The panel that shows what is being uploaded, at the lower right as on a desktop: a line for each file, and all of them in one.
import { size } from "./size.js";

const MOST_DONE = 20;
const words = { waiting: "waits", sending: "", asking: "waits for your answer", done: "done", skipped: "left as it was", failed: "failed", cancelled: "cancelled" };
const rows = new Map();
let panel = null;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const button = (text, label, look = "btn btn-sm") => element("button", { type: "button", class: look, "aria-label": label }, text);

function build() {
  const made = element("section", { id: "uploads", class: "uploads", "aria-label": "Uploads" });
  const close = button("Cancel all", "Cancel all uploads");
  const total = element("progress", { max: "1", value: "0", "aria-label": "All uploads" });
  const list = element("ul", { class: "uploads-list", tabindex: "0", "aria-label": "Files" });
  made.append(element("header", { class: "uploads-head" }, element("p", { role: "status" }), close), total, list);
  document.body.append(made);
  return { made, said: made.querySelector("[role=status]"), close, total, list };
}

function row(item, actions) {
  const line = element("li", { class: "upload" });
  const bar = element("progress", { max: "1", "aria-label": item.path });
  const cancel = button("Cancel", `Cancel ${item.path}`);
  const retry = button("Try again", `Try again: ${item.path}`);
  cancel.addEventListener("click", actions.cancel);
  retry.addEventListener("click", actions.retry);
  const name = element("span", { class: "upload-name", title: item.path }, element("bdi", {}, item.path));
  const parts = { line, bar, cancel, retry, state: element("span", { class: "upload-state" }), said: element("p", { class: "upload-said" }) };
  line.append(name, parts.state, cancel, retry, bar, parts.said);
  panel.list.append(line);
  return parts;
}

export function show(item, actions) {
  panel ??= build();
  if (!rows.has(item)) rows.set(item, row(item, actions));
  const parts = rows.get(item);
  const sending = item.state === "sending";
  const whole = item.sent >= item.size;
  parts.line.dataset.state = item.state;
  if (sending && whole && item.size) parts.bar.removeAttribute("value");
  else parts.bar.value = item.size ? item.sent / item.size : 0;
  parts.bar.hidden = !sending;
  parts.state.textContent = sending ? (whole ? "writing…" : `${size(item.sent)} of ${size(item.size)}`) : words[item.state];
  parts.said.textContent = item.said;
  parts.said.hidden = !item.said;
  parts.said.toggleAttribute("role", false);
  if (item.state === "failed") parts.said.setAttribute("role", "alert");
  swap(parts.cancel, parts.retry, item.state);
  if (item.state === "done" || item.state === "skipped") dropOldest();
}

// The button that goes hands the focus to the one that comes.
function swap(cancel, retry, state) {
  const focused = document.activeElement;
  cancel.hidden = !["waiting", "sending", "asking"].includes(state);
  retry.hidden = state !== "failed" && state !== "cancelled";
  if (focused === cancel && cancel.hidden) (retry.hidden ? panel.close : retry).focus();
  if (focused === retry && retry.hidden) cancel.focus();
}

function dropOldest() {
  const over = [...rows].filter(([item]) => item.state === "done" || item.state === "skipped");
  for (const [item, parts] of over.slice(0, Math.max(0, over.length - MOST_DONE))) {
    parts.line.remove();
    rows.delete(item);
  }
}

const many = (number, what = "file") => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

export function summarize(items, { cancelAll, forget }) {
  if (!items.length) return;
  panel ??= build();
  const count = (state) => items.filter((item) => item.state === state).length;
  const left = count("waiting") + count("sending") + count("asking");
  const wanted = items.filter((item) => item.state !== "cancelled");
  const bytes = (key) => wanted.reduce((sum, item) => sum + item[key], 0);
  const finished = count("done") + count("skipped");
  panel.total.value = bytes("size") ? bytes("sent") / bytes("size") : 0;
  panel.total.hidden = !left;
  const said = [left ? `Uploading: ${finished} of ${many(wanted.length)}` : `${many(count("done"))} uploaded`];
  if (left) said.push(`${size(bytes("sent"))} of ${size(bytes("size"))}`);
  for (const state of ["skipped", "failed", "cancelled"]) if (count(state)) said.push(`${count(state)} ${state}`);
  const text = said.join(", ");
  if (panel.said.textContent !== text) panel.said.textContent = text;
  panel.close.textContent = left ? "Cancel all" : "Close";
  panel.close.setAttribute("aria-label", left ? "Cancel all uploads" : "Close the list of uploads");
  panel.close.onclick = left ? cancelAll : () => close(forget);
}

function close(forget) {
  forget();
  panel.made.remove();
  panel = null;
  rows.clear();
  const folder = document.getElementById("folder");
  (folder?.querySelector("[data-row][tabindex='0']") ?? folder ?? document.getElementById("content")).focus({ preventScroll: true });
}
