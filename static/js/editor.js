// The page of the text editor: saves without leaving it. The form does the same without scripts.
import { guard } from "./leaving.js";
import { textIsRead, textbox } from "./textbox.js";

const form = document.getElementById("editor");
const state = document.getElementById("editor-state");
const problem = document.getElementById("editor-problem");
const find = form.querySelector("[data-editor-find]");
const conflict = () => document.getElementById("conflict");
const title = document.title;
const noAnswer = "Not saved: Demijohn does not answer. Is it still running in its terminal? Your text stays here; save it when Demijohn answers again.";

const editor = textbox(document.getElementById("editor-text"), document.getElementById("editor-keys"));
let clean = form.hasAttribute("data-unsaved") ? -1 : editor.changeGeneration(true);
let written = choices();
let saving = false;

function choices() {
  const fields = ["encoding", "bom", "line_endings"].map((name) => form.elements[name]);
  return fields.map((each) => (each?.type === "checkbox" ? each.checked : each?.value)).join();
}

const isUnsaved = () => !editor.isClean(clean) || choices() !== written;
const letGo = guard(isUnsaved);

function show(said = "") {
  const unsaved = isUnsaved();
  const text = said || (unsaved ? "● Unsaved changes" : "");
  document.title = unsaved ? `● ${title}` : title;
  // Said once, not with every letter.
  if (state.textContent !== text) state.textContent = text;
}

function fail(text) {
  problem.textContent = text;
  problem.hidden = !text;
  show("● Not saved");
}

const send = (body, accept) => fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true", Accept: accept } }).catch(() => null);

async function save(button) {
  if (saving || editor.getOption("readOnly")) return;
  saving = true;
  show("Saving…");
  await textIsRead();
  const attempt = { body: new FormData(form, button), generation: editor.changeGeneration(true), choices: choices() };
  attempt.body.set("text", editor.getValue());
  await settle(attempt, await send(attempt.body, "application/json"));
  saving = false;
}

async function settle(attempt, answer) {
  const said = await answer?.json().catch(() => null);
  if (!said) {
    fail(answer && !answer.ok ? `Not saved: the server answered ${answer.status}.` : noAnswer);
  } else if (answer.ok) {
    done(attempt, said);
  } else if ((answer.status === 409 && said.version) || answer.status === 404) {
    await ask(await send(attempt.body, "text/html"), said);
  } else {
    fail(["Not saved.", said.error, said.hint].filter(Boolean).join(" "));
  }
}

function done(attempt, said) {
  clean = attempt.generation;
  written = attempt.choices;
  form.elements.version.value = said.version;
  problem.hidden = true;
  if (conflict().contains(document.activeElement)) editor.focus();
  conflict().replaceChildren();
  show(isUnsaved() ? "" : ["Saved.", ...(said.warnings ?? [])].join(" "));
  // A copy is another file, which is edited from now on.
  if (new URL(said.url, form.action).pathname === new URL(form.action).pathname) return;
  letGo();
  window.location.assign(said.url);
}

// Somebody else saved first, or deleted the file: what to choose from stands in the page that is the answer without scripts.
async function ask(answer, said) {
  const page = await answer?.text().catch(() => null);
  if (!page?.includes('id="conflict"')) {
    fail(page ? ["Not saved.", said.error, said.hint].filter(Boolean).join(" ") : noAnswer);
    return;
  }
  htmx.swap("#conflict", page, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 }, { select: "#conflict" });
  clean = -1;
  problem.hidden = true;
  show("● Not saved");
  conflict().scrollIntoView({ block: "nearest" });
}

function showPlace() {
  const { line, ch } = editor.getCursor();
  document.getElementById("editor-place").textContent = `Line ${line + 1}, column ${ch + 1}`;
}

find.hidden = false;
find.addEventListener("click", () => editor.execCommand("findPersistent"));
form.addEventListener("change", () => show());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save(event.submitter);
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  save();
});
editor.on("change", () => show());
editor.on("cursorActivity", showPlace);
showPlace();
show(state.textContent);
editor.focus();
