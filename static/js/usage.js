// Walking through the map: what was pressed is not there any more in the next folder, whose first part gets the focus then.
let wasInside = false;

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "usage") wasInside = event.detail.target.contains(document.activeElement);
});

document.body.addEventListener("htmx:afterSettle", () => {
  const usage = document.getElementById("usage");
  if (!wasInside || !usage || document.activeElement !== document.body) return;
  wasInside = false;
  const next = [".treemap a", "#usage-cancel", ".trail [aria-current]"].map((each) => usage.querySelector(each)).find(Boolean);
  next?.focus({ preventScroll: true });
});
