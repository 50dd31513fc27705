// Unsaved work is not left behind unasked: not by a link of the page, nor by closing, reloading or going back.
const dialog = document.getElementById("leaving");
let link = null;
let agreed = false;

const opensElsewhere = (event, target) => event.ctrlKey || event.metaKey || event.shiftKey || target.target === "_blank" || target.hasAttribute("download");
const staysHere = (target) => target.getAttribute("href").startsWith("#") || target.closest("[hx-target='#dialog']");

// `isUnsaved` says whether there is something to lose; what is returned lets the next way out pass.
export function guard(isUnsaved) {
  window.addEventListener("beforeunload", (event) => {
    if (isUnsaved() && !agreed) event.preventDefault();
  });

  // Before htmx hears of it: its links replace parts of the page, which the browser does not ask about.
  document.addEventListener("click", (event) => {
    const clicked = event.target.closest("a[href]");
    if (!clicked || agreed || !isUnsaved() || opensElsewhere(event, clicked) || staysHere(clicked)) return;
    event.preventDefault();
    event.stopPropagation();
    link = clicked;
    dialog.showModal();
  }, true);

  dialog.querySelector("[data-leave]").addEventListener("click", () => {
    agreed = true;
    dialog.close();
    link.click();
  });

  return () => (agreed = true);
}
