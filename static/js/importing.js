// The dialog that imports an archive: the file is sent as it is, with its progress; what came of it is told in the dialog.
import { size } from "./size.js";
import { errorIn } from "./swaps.js";

const dialog = document.getElementById("dialog");
let running = null;

const part = (form, name) => form.querySelector(name);

function address(form) {
  const url = new URL(form.dataset.importUrl, window.location.href);
  for (const radio of form.querySelectorAll("input[type=radio]:checked")) url.searchParams.append(radio.name, radio.value);
  return url;
}

function shown(form, loaded, total) {
  const bar = part(form, "#import-progress");
  const whole = total && loaded >= total;
  if (whole) bar.removeAttribute("value");
  else bar.value = total ? (100 * loaded) / total : 0;
  const text = whole ? "Checking and unpacking…" : `Sent ${size(loaded)} of ${size(total)}`;
  if (part(form, "#import-state").textContent !== text) part(form, "#import-state").textContent = text;
}

function busy(form, is) {
  part(form, ".import-progress").hidden = !is;
  part(form, "[data-submit]").disabled = is;
  for (const field of form.querySelectorAll(".dialog-body input")) field.disabled = is;
  running = is ? running : null;
}

function notice(text) {
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { text, bad: true } }));
}

function over(form, xhr) {
  busy(form, false);
  if (!form.isConnected) return;
  if (!xhr.responseText.includes('id="import-outcome"')) {
    notice(errorIn(xhr));
    part(form, "[data-submit]").focus();
    return;
  }
  htmx.swap("#import-outcome", xhr.responseText, { swapStyle: "outerHTML" });
  const outcome = document.getElementById("import-outcome");
  outcome?.scrollIntoView({ block: "nearest" });
  if (!outcome?.hasAttribute("data-done")) {
    part(form, "[data-submit]").focus({ preventScroll: true });
    return;
  }
  part(form, "[data-import-cancel]").textContent = "Close";
  part(form, "[data-submit]").hidden = true;
  outcome.querySelector("a")?.focus();
  htmx.trigger(document.body, "files:changed");
}

function start(form, file) {
  const url = address(form);
  const xhr = new XMLHttpRequest();
  running = { form, xhr };
  busy(form, true);
  shown(form, 0, file.size);
  xhr.open("POST", url);
  xhr.setRequestHeader("HX-Request", "true");
  xhr.setRequestHeader("Accept", "text/html");
  xhr.setRequestHeader("X-Engine-Id", form.dataset.engineId);
  xhr.setRequestHeader("Content-Type", "application/octet-stream");
  xhr.upload.onprogress = (event) => shown(form, event.loaded, event.total);
  xhr.onload = () => over(form, xhr);
  xhr.onabort = () => busy(form, false);
  xhr.onerror = () => {
    busy(form, false);
    notice("The connection was lost, so the archive was not imported. Is Demijohn still running in its terminal?");
  };
  xhr.send(file);
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-import-url]");
  if (!form) return;
  event.preventDefault();
  const [file] = form.elements.archive.files;
  if (file && !running) start(form, file);
});

// A dialog that is closed in the middle gives up what is not complete; Escape alone does not close it by mistake.
dialog.addEventListener("cancel", (event) => {
  if (!running) return;
  event.preventDefault();
  notice("The import goes on. Press Cancel to give it up.");
});
dialog.addEventListener("close", () => {
  if (!running) return;
  running.xhr.abort();
  htmx.trigger(document.body, "files:changed");
});
window.addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault();
});

// An archive is a download: its form leaves the page where it is.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("dialog form[data-download]");
  if (form) window.setTimeout(() => form.closest("dialog")?.close(), 0);
});
