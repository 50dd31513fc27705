// The dialogs about files: the boxes of a mode and its octal number say the same, a name is ready to be typed over.
const form = () => document.querySelector("form[data-permissions]");
const boxes = () => [...form().querySelectorAll("[data-bit]")];

function toBoxes() {
  if (!form()) return;
  const mode = form().elements.mode.value.trim() || form().dataset.now;
  const octal = /^[0-7]{3,4}$/.test(mode);
  if (octal) for (const box of boxes()) box.checked = Boolean(parseInt(mode, 8) & Number(box.dataset.bit));
  for (const part of form().querySelectorAll("[data-matrix]")) part.toggleAttribute("data-unknown", !octal);
}

document.addEventListener("input", (event) => {
  if (event.target.id === "mode") toBoxes();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-bit]")) return;
  const mode = boxes().reduce((sum, box) => sum + (box.checked ? Number(box.dataset.bit) : 0), 0);
  form().elements.mode.value = mode.toString(8).padStart(4, "0");
  toBoxes();
});

// A new name mostly keeps how the old one ends.
function selectStem(field) {
  const end = field.value.lastIndexOf(".");
  field.setSelectionRange(0, end > 0 ? end : field.value.length);
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-select-stem]")) selectStem(event.target), event.target.removeAttribute("data-select-stem");
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  toBoxes();
  if (event.detail.target?.id === "chooser") document.querySelector("#chooser .chooser-folder, #move-entries [data-submit]")?.focus();
});
toBoxes();
