// Buttons with data-copy put their text on the clipboard and say so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  let text = "Copied.";
  let bad = false;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    text = "The browser did not allow copying. Select the text and copy it by hand.";
    bad = true;
  }
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { text, bad } }));
});
