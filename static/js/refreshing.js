// Regions that refresh themselves when something changed ask for what they show now, and an answer to what they showed before is dropped.
const refreshesItself = (element) => element.id === "listing" || element.id === "inspected";

document.body.addEventListener("htmx:configRequest", (event) => {
  const { elt, verb, parameters } = event.detail;
  if (verb !== "get" || !refreshesItself(elt)) return;
  event.detail.path = elt.getAttribute("hx-get");
  // A list that has scrolled on is refreshed as far as it was loaded.
  const pages = Math.ceil(elt.querySelectorAll("tbody tr[data-row]").length / 100);
  if (elt.id === "listing" && pages > 1) parameters.upto = pages;
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig } = event.detail;
  const elt = requestConfig.elt;
  if (!refreshesItself(elt) || !elt.isConnected || requestConfig.path === elt.getAttribute("hx-get")) return;
  event.detail.shouldSwap = false;
  window.setTimeout(() => htmx.trigger(document.body, "live:engine"), 0);
});
