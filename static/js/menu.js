// A row's menu: the button at its end, a right-click, or Shift+F10. Made from the page's <template>.
let menu = null;
let pressed = false;

function fill(text, row) {
  const { name, label = name } = row.dataset;
  return text.replaceAll("{name}", () => (text.includes("?") ? encodeURIComponent(name) : name)).replaceAll("{label}", () => label);
}

function build(row, template) {
  const made = document.createElement("div");
  made.className = "row-menu";
  made.popover = "auto";
  made.setAttribute("role", "menu");
  made.setAttribute("aria-label", `Actions for ${row.dataset.label ?? row.dataset.name}`);
  made.append(template.content.cloneNode(true));
  for (const item of made.querySelectorAll("[role=menuitem]")) {
    item.tabIndex = -1;
    if (item.dataset.when && !item.dataset.when.split(" ").includes(row.dataset.state)) item.remove();
    if (item.dataset.id) item.dataset.id = fill(item.dataset.id, row);
    if (item.dataset.copy) item.dataset.copy = fill(item.dataset.copy, row);
    const address = item.dataset.href ? fill(item.dataset.href, row) : item.dataset.suffix !== undefined ? row.dataset.url + item.dataset.suffix : "";
    if (address && item.tagName === "A") item.href = address;
    if (item.dataset.into) {
      item.setAttribute("hx-get", address);
      item.setAttribute("hx-target", `#${item.dataset.into}`);
    }
    if (item.dataset.post) {
      item.setAttribute("hx-post", row.dataset.url + item.dataset.post);
      item.setAttribute("hx-swap", "none");
    }
  }
  return made;
}

// On one of several selected rows the menu is about all of them, where there is one for that.
function nameOf(row) {
  if (row.dataset.spaceMenu) return row.dataset.spaceMenu;
  const { menu: one = "", selectionMenu: many } = row.closest("[data-menu]")?.dataset ?? {};
  return many && row.hasAttribute("data-selected") && row.closest("table").querySelectorAll("tr[data-selected]").length > 1 ? many : one;
}

export function openMenu(row, x, y) {
  const template = document.getElementById(nameOf(row));
  if (!template) return false;
  menu?.remove();
  const opened = build(row, template);
  menu = opened;
  document.getElementById("content").append(opened);
  htmx.process(opened);
  opened.showPopover();
  opened.style.left = `${Math.min(x, window.innerWidth - opened.offsetWidth - 8)}px`;
  opened.style.top = `${Math.min(y, window.innerHeight - opened.offsetHeight - 8)}px`;
  opened.querySelector("[role=menuitem]").focus();
  opened.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const inside = opened.contains(document.activeElement) || document.activeElement === document.body;
    if (inside) row.focus();
    window.setTimeout(() => opened.remove(), 500);
  });
  opened.addEventListener("click", (event) => {
    const item = event.target.closest("[role=menuitem]");
    if (!item) return;
    opened.hidePopover();
    if (item.dataset.click) (item.dataset.click.startsWith("#") ? document : row).querySelector(item.dataset.click)?.click();
  });
  return true;
}

for (const [kind, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(kind, () => (pressed = down), true);
}

// Beside the rows a menu is about what they are in.
const spaceOf = (target) => (target.closest(".table-scroll, .blank") && !target.closest("a, button, input, th") ? target.closest("[data-space-menu]") : null);

document.addEventListener("contextmenu", (event) => {
  const row = event.target.closest("tr[data-row]") ?? spaceOf(event.target);
  if (!row || !document.getElementById(nameOf(row)) || window.getSelection()?.toString() || event.target.closest("a[href]") && event.ctrlKey) return;
  event.preventDefault();
  const box = row.getBoundingClientRect();
  const byKeyboard = event.clientX === 0 && event.clientY === 0;
  const open = () => openMenu(row, byKeyboard ? box.left + 40 : event.clientX, byKeyboard ? box.bottom : event.clientY);
  // Letting go of the button would be a click beside the menu, which closes it.
  if (pressed) document.addEventListener("pointerup", () => window.setTimeout(open), { once: true });
  else open();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-row-menu]");
  if (!button) return;
  const box = button.getBoundingClientRect();
  openMenu(button.closest("tr[data-row]"), box.right - 220, box.bottom);
});

document.addEventListener("keydown", (event) => {
  const row = document.activeElement?.matches?.("tr[data-row]") ? document.activeElement : null;
  if (row && (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey))) {
    const box = row.getBoundingClientRect();
    if (openMenu(row, box.left + 40, box.bottom)) event.preventDefault();
  }
  if (!menu?.matches(":popover-open")) return;
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  const place = items.indexOf(document.activeElement);
  const next = { ArrowDown: (place + 1) % items.length, ArrowUp: (place - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[event.key];
  if (next === undefined) return;
  items[next].focus();
  event.preventDefault();
});
