// A container's log: lines as they come, only those with the words searched for. Held to the newest lines.
const MOST_LINES = 5000;
let current = null;

function shows(line, words) {
  return !words || line.textContent.toLowerCase().includes(words);
}

function start(log) {
  const code = log.querySelector("code");
  const pane = log.querySelector(".log-lines");
  const search = log.querySelector("[data-log-search]");
  const follow = log.querySelector("[data-log-follow]");
  const note = log.querySelector("[data-log-note]");
  const controller = new AbortController();
  let rest = "";

  const add = (text) => {
    const atEnd = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 30;
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    const words = search.value.trim().toLowerCase();
    for (const text of lines) {
      const line = document.createElement("span");
      line.textContent = `${text}\n`;
      line.hidden = !shows(line, words);
      code.append(line);
    }
    while (code.children.length > MOST_LINES) code.firstElementChild.remove();
    if (atEnd) pane.scrollTop = pane.scrollHeight;
  };

  const read = async () => {
    code.replaceChildren();
    rest = "";
    const response = await fetch(log.dataset.log, { signal: controller.signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) add(part.value);
    add(rest ? "\n" : "");
    note.textContent = "The container’s log has ended.";
  };

  const text = code.textContent;
  code.replaceChildren();
  add(text.endsWith("\n") || !text ? text : `${text}\n`);
  pane.scrollTop = pane.scrollHeight;
  search.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase();
    for (const line of code.children) line.hidden = !shows(line, words);
  });
  const begin = () => {
    note.textContent = "Following…";
    read().catch((error) => {
      if (error.name !== "AbortError") note.textContent = "The connection to the log was lost. Tick Follow again to go on.";
    });
  };
  follow.addEventListener("change", () => {
    stop();
    if (follow.checked) start(log);
    else note.textContent = "Not following.";
  });
  current = { log, controller };
  if (follow.checked) begin();
}

function stop() {
  current?.controller.abort();
  current = null;
}

function look() {
  const log = document.querySelector("[data-log]");
  if (current && current.log !== log) stop();
  if (log && !current) start(log);
}

document.body.addEventListener("htmx:afterSettle", look);
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : look()));
window.addEventListener("pagehide", stop);
look();
