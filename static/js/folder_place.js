// A folder one comes back to, by the browser's own button or by a reload, is found as it was left.
import { look } from "./folder_window.js";
import { keep, kept } from "./kept.js";

const KEY = "demijohn-places";
const MOST = 50;
const known = () => new Map(kept(KEY, []));
const scroller = () => document.querySelector("#folder .table-scroll");

function addressOf(folder) {
  return folder.dataset.url + folder.dataset.query;
}

export function leave() {
  const folder = document.getElementById("folder");
  if (!folder) return;
  const places = known();
  places.delete(addressOf(folder));
  places.set(addressOf(folder), { top: scroller()?.scrollTop ?? 0, name: folder.querySelector("tr[data-row][tabindex='0']")?.dataset.name });
  keep(KEY, [...places].slice(-MOST));
}

export async function comeBack(focusRow) {
  const folder = document.getElementById("folder");
  const how = window.performance.getEntriesByType("navigation")[0]?.type;
  const place = known().get(addressOf(folder));
  if (!place || !["reload", "back_forward"].includes(how)) return;
  if (scroller()) scroller().scrollTop = place.top;
  await look();
  focusRow([...folder.querySelectorAll("tr[data-row]")].find((row) => row.dataset.name === place.name));
}

window.addEventListener("pagehide", leave);
