// Short messages for what is not visible anyway. Errors stay until dismissed.
const place = document.getElementById("notices");
const template = document.getElementById("notice-template");

function show(text, bad) {
  const line = template.content.firstElementChild.cloneNode(true);
  line.querySelector(".toast-text").textContent = text;
  line.querySelector("button").addEventListener("click", () => line.remove());
  if (bad) line.setAttribute("role", "alert");
  line.classList.toggle("notice-bad", Boolean(bad));
  place.append(line);
  while (place.children.length > 4) place.firstElementChild.remove();
  if (!bad) window.setTimeout(() => line.remove(), 6000);
}

document.body.addEventListener("notice", (event) => show(event.detail.text, event.detail.bad));
document.body.addEventListener("demijohn:done", (event) => {
  if (event.detail.message) show(event.detail.message);
});
