// What lands in #dialog opens it; closing empties it. The elements do the rest: focus, Escape, backdrop.
const dialog = document.getElementById("dialog");

// A link inside a region that swaps in another way means the dialog's inside all the same. It is settled at once: a field
// that has the focus is listened to before a letter can be typed into it.
for (const target of [dialog, document.getElementById("inspector")]) {
  target?.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === target) event.detail.swapOverride = "innerHTML settle:0ms";
  });
}

// A form that shows itself again keeps the focus where it is: htmx would give it to whatever has `autofocus`.
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target === dialog) return;
  for (const field of detail.target?.querySelectorAll("form [autofocus]") ?? []) field.removeAttribute("autofocus");
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  const inside = event.detail.target === dialog || dialog.contains(event.detail.target) || dialog.contains(event.detail.elt);
  if (!inside || !dialog.innerHTML.trim()) return;
  const title = dialog.querySelector("h2");
  if (title) dialog.setAttribute("aria-label", title.textContent.trim());
  if (!dialog.open) {
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  }
});

document.body.addEventListener("demijohn:done", () => {
  // Emptied at once: the answer that says so is still being swapped in, and would open it again.
  dialog.replaceChildren();
  if (dialog.open) dialog.close();
});

dialog.addEventListener("close", () => {
  dialog.replaceChildren();
  // What was done in it, such as pulling an image, may change what the form behind it says.
  document.getElementById("wizard")?.dispatchEvent(new Event("change"));
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]:not(tr)");
  if (opener) document.getElementById(opener.dataset.open)?.showModal();
  const closer = event.target.closest("dialog [data-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  if (event.target instanceof HTMLDialogElement) event.target.close();
  const chosen = event.target.closest("[data-choose-folder]");
  if (chosen) chooseFolder(chosen);
  // Cards and menus made of <details> close when one clicks elsewhere.
  for (const open of document.querySelectorAll("details.help[open], details.columns-menu[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.help[open], details.columns-menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
  event.preventDefault();
  event.stopPropagation();
}, true);

function chooseFolder(button) {
  const row = button.closest("[data-folder-picker]").dataset.folderPicker;
  const field = document.getElementById(`mount-${row}-source`);
  dialog.close();
  if (!field) return;
  field.value = button.dataset.chooseFolder;
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
