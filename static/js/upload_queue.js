// What is being uploaded: three files at a time, each asked about where its name is taken, each to be cancelled and tried again.
import { ask } from "./upload_question.js";
import { show, summarize } from "./upload_panel.js";
import { isTaken, send } from "./upload_request.js";

const AT_ONCE = 3;
const ASK_FIRST = 1024 * 1024;
const BUSY_SECONDS = 2;
const MOST_BUSY = 30;
const waiting = [];
const running = new Set();
const all = new Set();
let rule = "";
let refresh = 0;
let summary = 0;

const pause = (seconds) => new Promise((resolve) => window.setTimeout(resolve, seconds * 1000));
const isOver = (item) => ["done", "skipped", "failed", "cancelled"].includes(item.state);
const isTakenAnswer = ({ status, json }) => status === 409 && json.fields && "exists" in json.fields;

export function add(files, { at, engine }) {
  for (const { file, path } of files) {
    const item = { file, path, url: at(path), engine, size: file.size, sent: 0, state: "waiting", said: "", xhr: null };
    all.add(item);
    waiting.push(item);
  }
  pump();
}

function pump() {
  while (running.size < AT_ONCE && waiting.length) run(waiting.shift());
  if (!running.size) rule = "";
  tell();
}

async function run(item) {
  running.add(item);
  set(item, "sending");
  try {
    await transfer(item);
  } finally {
    running.delete(item);
    refreshSoon();
    pump();
  }
}

async function transfer(item) {
  let exists = rule || "refuse";
  for (let busy = 0; item.state === "sending"; ) {
    const answer = await attempt(item, exists);
    if (answer.status === 503 && busy < MOST_BUSY) {
      busy += 1;
      await pause(BUSY_SECONDS);
    } else if (exists === "refuse" && isTakenAnswer(answer)) {
      exists = await decide(item);
      if (item.state === "asking") set(item, exists ? "sending" : "cancelled");
    } else {
      settle(item, answer);
    }
  }
}

// A large body is not sent only to hear that its name is taken.
async function attempt(item, exists) {
  if (exists === "refuse" && item.size > ASK_FIRST && (await isTaken(item))) return { status: 409, json: { fields: { exists: "" } } };
  // Given up while that was asked.
  if (item.state !== "sending") return { status: -1, json: {} };
  return send(item, exists, (sent) => {
    item.sent = sent;
    tell(item);
  });
}

async function decide(item) {
  set(item, "asking");
  const said = await ask(item.path, () => rule);
  if (said.forAll) rule = said.exists;
  return said.exists;
}

function settle(item, { status, json }) {
  if (all.size === 1 && status < 300 && json.id) document.body.dispatchEvent(new CustomEvent("files:made", { detail: { id: json.id } }));
  if (status === -1) set(item, "cancelled");
  else if (status >= 200 && status < 300) set(item, json.skipped ? "skipped" : "done", (json.warnings ?? []).join(" "));
  else set(item, "failed", [json.error ?? `The server answered ${status}.`, json.hint ?? ""].join(" ").trim());
}

function set(item, state, said = "") {
  Object.assign(item, { state, said });
  if (state === "done" || state === "skipped") item.sent = item.size;
  if (["waiting", "sending", "asking"].includes(state)) item.sent = 0;
  tell(item);
}

function tell(item) {
  if (item && item.state !== "waiting") show(item, { cancel: () => cancel(item), retry: () => retry(item) });
  summary ||= window.setTimeout(() => {
    summary = 0;
    summarize([...all], { cancelAll, forget: () => all.clear() });
  }, 50);
}

function cancel(item) {
  const place = waiting.indexOf(item);
  if (place >= 0) waiting.splice(place, 1);
  set(item, "cancelled");
  item.xhr?.abort();
}

function cancelAll() {
  for (const item of [...waiting]) {
    all.delete(item);
  }
  waiting.length = 0;
  for (const item of running) if (!isOver(item)) cancel(item);
  tell();
}

function retry(item) {
  waiting.push(item);
  set(item, "waiting");
  pump();
}

// The list is looked at again when something has come, not for each of a thousand files.
function refreshSoon() {
  refresh ||= window.setTimeout(() => {
    refresh = 0;
    htmx.trigger(document.body, "files:changed");
  }, 400);
}

window.addEventListener("beforeunload", (event) => {
  if (running.size || waiting.length) event.preventDefault();
});
