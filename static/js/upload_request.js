// The requests of uploads. Their bodies are files of the person's machine, which the browser reads while it sends them.
const LOST = "The connection was lost. Is Demijohn still running in its terminal?";

export function headers(engine) {
  const found = { "HX-Request": "true", Accept: "application/json" };
  if (engine) found["X-Engine-Id"] = engine;
  return found;
}

export async function isTaken(item) {
  return fetch(item.url, { method: "HEAD", headers: headers(item.engine) }).then((answer) => answer.ok, () => false);
}

// The status and what was said; 0 where nobody answers, -1 where it was given up.
export function send(item, exists, onProgress) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    item.xhr = xhr;
    xhr.open("PUT", `${item.url}?exists=${exists}&parents=1`);
    for (const [name, value] of Object.entries(headers(item.engine))) xhr.setRequestHeader(name, value);
    xhr.setRequestHeader("Content-Type", "application/octet-stream");
    xhr.responseType = "json";
    xhr.upload.onprogress = (event) => onProgress(event.loaded);
    xhr.onload = () => resolve({ status: xhr.status, json: xhr.response ?? {} });
    xhr.onerror = () => resolve({ status: 0, json: { error: LOST } });
    xhr.onabort = () => resolve({ status: -1, json: {} });
    xhr.send(item.file);
  });
}

// A folder with nothing in it has no file that would bring it along. `above` is a path as addresses have it.
export async function makeFolders(url, engine, folders) {
  for (const { above, name } of folders) {
    const body = JSON.stringify({ into_id: above, name, parents: true });
    const answer = await fetch(url, { method: "POST", headers: { ...headers(engine), "Content-Type": "application/json" }, body }).catch(() => null);
    if (answer?.ok) continue;
    const said = await answer?.json().catch(() => null);
    document.body.dispatchEvent(new CustomEvent("notice", { detail: { text: said?.error ?? LOST, bad: true } }));
    return;
  }
  if (folders.length) htmx.trigger(document.body, "files:changed");
}
