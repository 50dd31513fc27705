// Ctrl+K: every command of the page, and the engine's volumes and containers by name.
const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const list = document.getElementById("palette-list");
let asked = 0;
let chosen = 0;

function commands() {
  const keys = { label: "Show the keys", hint: "", act: () => document.getElementById("keys").showModal() };
  const found = [...document.querySelectorAll("[data-command]")].map((element) => ({ label: element.dataset.command, hint: "", act: () => element.click() }));
  return [...found, keys];
}

function choose(place) {
  const options = [...list.children];
  if (!options.length) return;
  chosen = (place + options.length) % options.length;
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === chosen)));
  options[chosen].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", options[chosen].id);
}

function show(entries) {
  list.replaceChildren(
    ...entries.map((entry, index) => {
      const option = document.createElement("li");
      option.id = `palette-${index}`;
      option.setAttribute("role", "option");
      const label = document.createElement("span");
      label.textContent = entry.label;
      const hint = document.createElement("span");
      hint.className = "subtle";
      hint.textContent = entry.hint;
      option.append(label, hint);
      option.addEventListener("click", () => run(entry));
      option.entry = entry;
      return option;
    }),
  );
  choose(0);
}

function run(entry) {
  palette.close();
  if (entry.act) entry.act();
  else window.location.assign(entry.url);
}

async function search() {
  const text = input.value.trim();
  const words = text.toLowerCase().split(/\s+/);
  const fitting = commands().filter((command) => words.every((word) => command.label.toLowerCase().includes(word)));
  show(fitting);
  if (!text) return;
  const turn = ++asked;
  const answer = await fetch(`${palette.dataset.search}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
  if (turn === asked && answer.ok) show([...fitting, ...(await answer.json()).matches]);
}

input.addEventListener("input", search);
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen - 1);
  else if (event.key === "Enter" && list.children[chosen]) run(list.children[chosen].entry);
  else return;
  event.preventDefault();
});
new MutationObserver(() => {
  if (!palette.open) return;
  input.value = "";
  search();
  input.focus();
}).observe(palette, { attributeFilter: ["open"] });
