// Files and folders of the person's own machine into the folder that is shown: dropped on it, or chosen in the dialog.
import { add } from "./upload_queue.js";
import { makeFolders } from "./upload_request.js";

// A folder's row takes what is dropped on it, the folder around it all else.
const zoneOf = (event) => event.target.closest?.("[data-drop] tr[data-state=folder]") ?? event.target.closest?.("[data-drop]");
const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");
const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");

function light(zone) {
  for (const each of document.querySelectorAll("[data-dropping]")) if (each !== zone) each.removeAttribute("data-dropping");
  zone?.setAttribute("data-dropping", "");
}

// A reader hands out a hundred entries at a time.
async function entriesOf(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    found.push(...some);
  }
}

// `found` takes files with their paths, and folders that nothing is in.
async function walk(entry, above, found) {
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.files.push({ file, path });
    return;
  }
  const inside = await entriesOf(entry);
  if (!inside.length) found.empty.push(path);
  for (const each of inside) await walk(each, `${path}/`, found);
}

function target(element) {
  const around = element.closest("[data-upload-url]");
  const { url = around.dataset.uploadUrl, name: id = around.dataset.path ?? "" } = element.matches("tr") ? element.dataset : {};
  const { engineId: engine = "", ask } = around.dataset;
  return { at: (path) => `${url}/${encoded(path)}`, engine, folders: ask?.replace(/-\/$/, "folders"), id };
}

function emptyFolder(path, id) {
  const parts = path.split("/");
  const name = parts.pop();
  return { above: [id, encoded(parts.join("/"))].filter(Boolean).join("/"), name };
}

async function send(entries, files, to) {
  const found = { files: files.map((file) => ({ file, path: file.name })), empty: [] };
  try {
    for (const entry of entries) await walk(entry, "", found);
  } catch (error) {
    const text = `Not everything could be read, so nothing was uploaded: ${error.message}`;
    document.body.dispatchEvent(new CustomEvent("notice", { detail: { text, bad: true } }));
    return;
  }
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  if (to.folders) makeFolders(to.folders, to.engine, found.empty.map((path) => emptyFolder(path, to.id)));
  add(found.files, to);
}

document.addEventListener("dragover", (event) => {
  if (!bringsFiles(event)) return;
  // A file that is dropped beside the zone would be opened in place of the page.
  event.preventDefault();
  const zone = zoneOf(event);
  event.dataTransfer.dropEffect = zone ? "copy" : "none";
  light(zone);
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) light(null);
});

document.addEventListener("drop", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  light(null);
  const zone = zoneOf(event);
  if (!zone) return;
  // What was dropped is gone after this call: the entries have to be asked for at once.
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  send(entries, entries.length ? [] : [...event.dataTransfer.files], target(zone));
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-upload-url]");
  if (!form) return;
  event.preventDefault();
  const chosen = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
  const first = form.querySelector("input[type=file]");
  first.setCustomValidity(chosen.length ? "" : "Choose a file or a folder.");
  if (!first.reportValidity()) return;
  add(chosen.map((file) => ({ file, path: file.webkitRelativePath || file.name })), target(form));
  if (form.closest("dialog")) form.closest("dialog").close();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-upload-url] input[type=file]")) event.target.form.querySelector("input[type=file]").setCustomValidity("");
});
