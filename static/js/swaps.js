// How server fragments meet what a person is doing: what they chose, typed or selected survives a refresh.
import { typedSince } from "./typing.js";

const kept = (node) => node instanceof HTMLInputElement && (node.name === "name" || node.dataset.keep !== undefined || node.hasAttribute("data-select-all"));

Idiomorph.defaults.ignoreActiveValue = true;
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => {
  if (name === "checked" && kept(node)) return false;
  if ((name === "value" || name === "checked" || name === "selected") && typedSince(node)) return false;
  if ((name === "value" || name === "type") && node.dataset.secret !== undefined) return false;
  if (name === "aria-pressed" && node.dataset.reveal) return false;
  if (name === "open" && node instanceof HTMLDetailsElement) return false;
  if ((name === "data-selected" || name === "data-open" || name === "tabindex") && node.matches("tr[data-row]")) return false;
  return true;
};

// What was asked for by a button, such as whether storage answers, is not forgotten because something else changed.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (before, after) => !before.dataset?.keptFor || before.dataset.keptFor !== after.dataset?.keptFor;

// What an answer that is an error says.
export function errorIn(xhr) {
  const box = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector(".error-box");
  const said = [...(box?.children ?? [])].filter((each) => !each.matches(".only-dialog")).map((each) => (each.matches("h2") ? `${each.textContent.trim()}:` : each.textContent)).join(" ");
  return (said || `The server answered ${xhr.status}.`).replace(/\s+/g, " ").trim();
}

// An empty field does not stand in the address.
document.body.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters, verb } = event.detail;
  if (elt.id === "filters") parameters.sort = new URL(window.location.href).searchParams.get("sort") ?? "";
  if (verb === "get") {
    for (const [name, value] of [...Object.entries(parameters)]) if (value === "") delete parameters[name];
  }
});

// After a refresh in place the address of the list is the one of the page, filters included.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  if (xhr.status === 0) event.detail.shouldSwap = false;
  // An error about an action is shown as a notice; one about a region, in its place.
  const isAction = event.detail.requestConfig.verb !== "get";
  const ownForm = target?.matches?.("form, #remove-answer, #sizes, #explained, #count") ?? false;
  if (xhr.status >= 400 && isAction && !ownForm) {
    event.detail.shouldSwap = false;
    document.body.dispatchEvent(new CustomEvent("notice", { detail: { text: errorIn(xhr), bad: true } }));
  }
});

document.body.addEventListener("htmx:sendError", () => {
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { text: "Demijohn does not answer. Is it still running in its terminal?", bad: true } }));
});
