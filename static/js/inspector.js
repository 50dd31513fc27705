// The pane beside the list: which row it shows, and its place in the address, so that a reload brings it back.
const pane = document.getElementById("inspector");
const covers = window.matchMedia("(max-width: 900px)");

// Where the pane covers the list, opening it is a step that the browser's Back takes back.
function write(address, opens) {
  const { state } = window.history;
  if (opens && covers.matches) window.history.pushState({ inspects: true, first: !state?.htmx }, "", address);
  else window.history.replaceState(state, "", address);
}

function remember(name, tab, fills = false) {
  const address = new URL(window.location.href);
  const opens = fills && !address.searchParams.has("inspect");
  for (const [key, value] of [["inspect", name], ["tab", tab]]) {
    if (value) address.searchParams.set(key, value);
    else address.searchParams.delete(key);
  }
  if (address.href !== window.location.href) write(address, opens);
}

function markRow() {
  const shown = pane?.querySelector("[data-inspects]")?.dataset.inspects;
  for (const row of document.querySelectorAll("tr[data-row]")) row.toggleAttribute("data-open", Boolean(shown) && row.dataset.name === shown);
}

export function closeInspector() {
  if (!pane || !pane.innerHTML.trim()) return false;
  const name = pane.querySelector("[data-inspects]")?.dataset.inspects;
  pane.replaceChildren();
  if (window.history.state?.inspects && window.history.state.first) window.history.back();
  else remember("", "");
  markRow();
  const row = [...document.querySelectorAll("tr[data-row]")].find((each) => each.dataset.name === name);
  row?.focus();
  return true;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-inspector]")) closeInspector();
});
window.addEventListener("popstate", () => {
  const named = new URL(window.location.href).searchParams.has("inspect");
  if (covers.matches && !named) closeInspector();
  else if (window.history.state?.inspects && !pane?.innerHTML.trim()) window.location.reload();
});

// At once after each swap; once settled, rows of a list that was swapped meanwhile are marked too. A pushed address has to name it again.
for (const moment of ["htmx:afterSwap", "htmx:afterSettle", "htmx:pushedIntoHistory"]) {
  document.body.addEventListener(moment, ({ detail }) => {
    markRow();
    const shown = pane?.querySelector("[data-inspects]");
    if (shown) remember(shown.dataset.inspects, shown.querySelector(".tabs [aria-current]")?.dataset.tab ?? "", detail.target === pane);
  });
}

// What was removed while it was shown closes with it.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status !== 404 || !pane?.querySelector("[data-inspects]")?.contains(event.detail.elt)) return;
  event.detail.shouldSwap = false;
  closeInspector();
});

if (pane && new URL(window.location.href).searchParams.get("tab") && pane.hasAttribute("hx-get")) {
  pane.setAttribute("hx-get", `${pane.getAttribute("hx-get")}?tab=${encodeURIComponent(new URL(window.location.href).searchParams.get("tab"))}`);
}
