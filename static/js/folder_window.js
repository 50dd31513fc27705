// A folder shows only the rows around what is seen; gaps as high as the missing rows stand for the rest. The server has the order.
const [WINDOW, MOST, MARGIN] = [200, 1600, 60];
const REST = 90;
let loading = null;
let resting = 0;

export const table = () => document.querySelector("table[data-files]");
export const total = () => Number(table()?.dataset.total ?? 0);
const scroller = () => table()?.closest(".table-scroll");
const parts = () => [...table().querySelectorAll("tbody.entries")];
const number = (part, name) => Number(part.dataset[name]);
const height = () => table().querySelector("tr[data-row]")?.offsetHeight || 30;

export function rowAt(index) {
  return table()?.querySelector(`tr[data-index="${index}"]`) ?? null;
}

function loaded() {
  const all = parts();
  return all.length ? [number(all[0], "start"), number(all.at(-1), "end")] : [0, 0];
}

// The address of the rows from `offset` on, in the order the page was made with.
export function address(offset, limit = WINDOW) {
  const folder = document.getElementById("folder").dataset;
  const found = new URL(folder.url + folder.query, window.location.href);
  for (const [name, value] of Object.entries({ offset, limit, snapshot: table().dataset.snapshot })) found.searchParams.set(name, value);
  return found;
}

function gap(where, rows) {
  let part = table().querySelector(`tbody[data-gap=${where}]`);
  if (!part) {
    part = document.createElement("tbody");
    part.dataset.gap = where;
    part.insertRow().insertCell().colSpan = 5;
    if (where === "before") parts()[0].before(part);
    else parts().at(-1).after(part);
  }
  const cell = part.rows[0].cells[0];
  cell.replaceChildren();
  cell.height = rows * height();
}

export function layOut() {
  if (!table()) return;
  const [start, end] = loaded();
  gap("before", start);
  gap("after", total() - end);
}

// The first row that is seen and the one behind the last.
export function seen() {
  const place = scroller();
  const first = Math.floor(place.scrollTop / height());
  return [first, first + Math.ceil((place.clientHeight - table().tHead.offsetHeight) / height())];
}

// What a refresh has to bring for what is seen to stay.
export function wanted() {
  if (!table()) return [0, WINDOW];
  const [first, last] = seen();
  const start = Math.max(0, first - MARGIN);
  return [start, Math.max(WINDOW, last + MARGIN - start)];
}

async function rows(start, end) {
  const answer = await fetch(address(start, end - start), { headers: { "HX-Request": "true", Accept: "text/html" } });
  const text = answer.ok ? await answer.text() : "";
  if (!text.includes('class="entries"')) throw new Error(`The folder could not be read on (${answer.status}). Look again in a moment.`);
  return text;
}

function put(text, where) {
  if (where === "anew") for (const part of parts().slice(1)) part.remove();
  const style = { anew: "outerHTML", before: "beforebegin", after: "afterend" }[where];
  const beside = where === "after" ? parts().at(-1) : parts()[0];
  htmx.swap(beside, text, { swapStyle: style, swapDelay: 0, settleDelay: 0 });
}

function next() {
  const [first, last] = seen();
  const [start, end] = loaded();
  const from = Math.max(0, Math.floor((first - MARGIN) / WINDOW) * WINDOW);
  const to = Math.min(total(), Math.ceil((last + MARGIN) / WINDOW) * WINDOW);
  if (from >= start && to <= end) return null;
  if (to < start || from > end) return [from, to, "anew"];
  return to > end ? [end, to, "after"] : [from, start, "before"];
}

function forget() {
  const [first, last] = seen();
  const count = () => parts().reduce((sum, part) => sum + part.rows.length, 0);
  while (count() > MOST && parts().length > 1) {
    const [top, bottom] = [parts()[0], parts().at(-1)];
    const above = first - number(top, "end");
    const below = number(bottom, "start") - last;
    if (Math.max(above, below) < MARGIN) return;
    const far = above > below ? top : bottom;
    if (far.contains(document.activeElement)) document.getElementById("folder").focus({ preventScroll: true });
    far.remove();
  }
}

async function fill() {
  const shown = table();
  for (let step = next(); step; step = next()) {
    const text = await rows(step[0], step[1]);
    if (table() !== shown) return;
    const place = scroller();
    const top = place.scrollTop;
    put(text, step[2]);
    forget();
    layOut();
    place.scrollTop = top;
    shown.dispatchEvent(new CustomEvent("files:rows", { bubbles: true }));
    // An order that is not remembered any more was made anew: what stands in the page may not fit it.
    if (!parts().length || parts().some((part) => part.dataset.snapshot !== shown.dataset.snapshot)) {
      htmx.trigger(document.body, "files:changed");
      return;
    }
  }
}

export function look() {
  if (!table()) return Promise.resolve();
  loading ??= fill()
    .catch((error) => document.body.dispatchEvent(new CustomEvent("notice", { detail: { text: error.message, bad: true } })))
    .finally(() => (loading = null));
  return loading;
}

// Bring a row into view, wherever it is in the folder.
export async function reach(index) {
  const place = scroller();
  const [top, free] = [index * height(), place.clientHeight - table().tHead.offsetHeight];
  if (top < place.scrollTop) place.scrollTop = top;
  else if (top + height() > place.scrollTop + free) place.scrollTop = top + height() - free;
  await look();
  return rowAt(index);
}

document.addEventListener("scroll", (event) => {
  if (!table() || event.target !== scroller()) return;
  const step = next();
  window.clearTimeout(resting);
  if (step) resting = window.setTimeout(look, step[2] === "anew" ? REST : 0);
}, { capture: true, passive: true });
window.addEventListener("resize", () => (layOut(), look()));
