// One stream of events for the page that is seen; hidden pages let go of theirs, as a browser has few connections per host.
const url = document.body.dataset.events;
const nouns = ["volume", "container", "image", "network", "plugin", "engine", "job", "size"];
const pending = new Set();
let source = null;
// What happened between the page and its stream was missed as well.
let missed = true;

function tell(noun) {
  // Many changes at once make one refresh.
  if (pending.size === 0) {
    window.setTimeout(() => {
      const said = [...pending];
      pending.clear();
      for (const each of said) htmx.trigger(document.body, `live:${each}`);
    }, 150);
  }
  pending.add(noun);
}

function show(text) {
  const place = document.querySelector("[data-live]");
  if (place) place.textContent = text;
}

function open() {
  if (source || document.hidden || !url) return;
  source = new EventSource(url);
  source.onopen = () => {
    show("live");
    if (missed) for (const noun of ["volume", "container", "image", "engine", "job", "size"]) tell(noun);
    missed = false;
  };
  source.onerror = () => {
    missed = true;
    show("connecting…");
    if (source?.readyState === EventSource.CLOSED) {
      source = null;
      window.setTimeout(open, 3000);
    }
  };
  for (const noun of nouns) {
    source.addEventListener(noun, (event) => {
      const { action, subject } = JSON.parse(event.data);
      if (noun === "job" && !["queued", "running"].includes(action)) htmx.trigger(document.body, "job:over", { subject });
      if (noun === "engine" && action === "found") for (const other of ["volume", "container", "image"]) tell(other);
      tell(noun);
    });
  }
}

function close() {
  source?.close();
  source = null;
  missed = true;
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", open);
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "statusbar") show(source?.readyState === EventSource.OPEN ? "live" : "connecting…");
});
document.body.addEventListener("demijohn:done", (event) => {
  if (event.detail.event) tell(event.detail.event);
});
open();
