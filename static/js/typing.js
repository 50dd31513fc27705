// Forms that show themselves again while one types: no answer overwrites what was typed after it was asked for, and no
// preview takes the place of what a button was pressed for.
const typedAt = new WeakMap();
const pressedAt = new WeakMap();
const pressing = new WeakMap();
let askedAt = 0;

const isTyping = (event) => event?.type === "input" || event?.type === "change";
const formOf = (element) => element.closest("form");

export function typedSince(node) {
  return (typedAt.get(node.closest("select") ?? node) ?? 0) > askedAt;
}

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => typedAt.set(event.target, performance.now()), true);
}

document.body.addEventListener("htmx:confirm", (event) => {
  const { elt, triggeringEvent } = event.detail;
  const form = formOf(elt);
  if (!form || !triggeringEvent) return;
  if (!isTyping(triggeringEvent)) {
    pressedAt.set(form, triggeringEvent.timeStamp);
  } else if (triggeringEvent.timeStamp <= (pressedAt.get(form) ?? 0)) {
    event.preventDefault();
  } else if (pressing.has(form)) {
    pressing.set(form, triggeringEvent.target);
    event.preventDefault();
  }
});

document.body.addEventListener("htmx:beforeSend", (event) => {
  const { elt, xhr, requestConfig } = event.detail;
  xhr.askedAt = performance.now();
  const form = formOf(elt);
  if (form && requestConfig.triggeringEvent && !isTyping(requestConfig.triggeringEvent)) pressing.set(form, null);
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  askedAt = event.detail.xhr.askedAt ?? 0;
});

// What was typed while the answer was on its way is previewed after it.
document.body.addEventListener("htmx:afterRequest", (event) => {
  const { elt, requestConfig } = event.detail;
  const form = formOf(elt);
  if (!form || isTyping(requestConfig?.triggeringEvent)) return;
  const field = pressing.get(form);
  pressing.delete(form);
  field?.dispatchEvent(new Event("change", { bubbles: true }));
});
