// What to do with a file whose name is taken: asked for one after the other, once for all of them if the person wants.
let turn = Promise.resolve();

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.append(text);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const choices = [["replace", "Replace", "btn-danger"], ["keep-both", "Keep both", "btn-primary"], ["skip", "Skip", "btn-ghost-secondary"]];

function open(path) {
  const dialog = element("dialog", "", { class: "dialog upload-question", "aria-labelledby": "upload-question-title" });
  const form = element("form", "", { method: "dialog", class: "dialog-form" });
  const head = element("div", element("h2", "This name is taken", { id: "upload-question-title" }), { class: "dialog-head" });
  const body = element("div", "", { class: "dialog-body" });
  const sentence = element("p", "There is already a file called ");
  sentence.append(element("strong", element("bdi", path), { class: "break" }), ". Keep both gives the new one a number.");
  const label = element("label", "", { class: "form-check" });
  const box = element("input", "", { type: "checkbox", class: "form-check-input", id: "upload-question-all" });
  label.append(box, "Do the same for all others");
  body.append(sentence, label);
  const foot = element("div", "", { class: "dialog-foot" });
  for (const [value, text, look] of choices) foot.append(element("button", text, { type: "submit", value, class: `btn ${look}` }));
  form.append(head, body, foot);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  foot.querySelector("[value=keep-both]").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve({ exists: dialog.returnValue, forAll: box.checked && Boolean(dialog.returnValue) });
    });
  });
}

// The answer, or what `decided` says by the time it is this file's turn. Closing the question gives nothing: not this file.
export function ask(path, decided) {
  const answer = turn.then(() => (decided() ? { exists: decided(), forAll: false } : open(path)));
  turn = answer;
  return answer;
}
