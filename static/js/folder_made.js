// What was just made is brought into view and has the focus; where the folder does not show it, that is said.
import { folder, goTo, rowNamed } from "./folder_focus.js";
import { between } from "./folder_selection.js";
import { reach, total } from "./folder_window.js";

const MOST = 5000;
let made = "";

const isTyping = () => document.activeElement?.matches("input, textarea, select");

async function placeOf(id) {
  const row = rowNamed(id);
  if (row) return Number(row.dataset.index);
  return (await between(0, Math.min(total(), MOST) - 1)).findIndex(([each]) => each === id);
}

function whyHidden(id) {
  const query = new URLSearchParams(folder().dataset.query);
  if (id.split("/").pop().startsWith(".") && !query.has("hidden")) return "Its name begins with a dot: tick Hidden to see it.";
  return query.has("q") ? "The search leaves it out: empty it to see what was made." : "";
}

export async function showMade() {
  const id = made;
  made = "";
  if (!id || id.split("/").slice(0, -1).join("/") !== folder().dataset.path) return;
  const text = whyHidden(id);
  const index = total() ? await placeOf(id) : -1;
  if (index >= 0) await (isTyping() ? reach : goTo)(index);
  else if (text) document.body.dispatchEvent(new CustomEvent("notice", { detail: { text } }));
}

document.body.addEventListener("demijohn:done", (event) => {
  if (event.detail.event === "volume") made = event.detail.subject;
});
document.body.addEventListener("files:made", (event) => (made = event.detail.id));
