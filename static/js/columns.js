// Which columns a table shows. The choice is this browser's own and stays.
for (const menu of document.querySelectorAll("[data-columns]")) {
  const key = `demijohn-hidden-columns-${menu.dataset.columns}`;
  const hidden = new Set(JSON.parse(window.localStorage.getItem(key) ?? "[]"));
  const boxes = [...menu.querySelectorAll("input[type=checkbox]")];

  const apply = () => {
    for (const cell of document.querySelectorAll("[data-grid] [data-column]")) cell.hidden = hidden.has(cell.dataset.column);
  };
  for (const box of boxes) {
    box.checked = !hidden.has(box.value);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(box.value);
      else hidden.add(box.value);
      window.localStorage.setItem(key, JSON.stringify([...hidden]));
      apply();
    });
  }
  document.body.addEventListener("htmx:afterSwap", apply);
  apply();
}
