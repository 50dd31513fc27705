// CodeMirror in place of a <textarea>, and no less to be used by keyboard or heard by a screen reader than that is.

// What nobody sees, or what turns the direction of the text: shown as what it is.
const hidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]/;

function spelledOut(character) {
  const shown = document.createElement("span");
  const code = character.charCodeAt(0);
  shown.className = "mark mark-control";
  shown.textContent = code < 0x20 ? String.fromCharCode(0x2400 + code) : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return shown;
}

// The file's own way to indent; a new one gets tabs where its kind needs them.
function indentation(text, mode) {
  const tabs = /^\t/m.test(text) || (!/^ {2}/m.test(text) && ["text/plain", "text/x-go"].includes(mode));
  return { indentWithTabs: tabs, tabSize: 4, indentUnit: tabs ? 4 : (text.match(/^ {2,8}(?=\S)/m)?.[0].length ?? 2) };
}

function indent(editor) {
  if (editor.somethingSelected()) {
    editor.indentSelection("add");
    return;
  }
  const unit = editor.getOption("indentUnit");
  const spaces = " ".repeat(unit - (editor.getCursor().ch % unit));
  editor.replaceSelection(editor.getOption("indentWithTabs") ? "\t" : spaces, "end", "+input");
}

// The text of the <textarea> that the page has for browsers without scripts. Read as one, a large text would take many seconds.
function textOf(noscript) {
  const source = noscript.textContent.trim().replace(/^<textarea/, "<pre");
  return new DOMParser().parseFromString(source, "text/html").querySelector("pre").textContent;
}

// Tab indents; after Escape it leaves the text, as it does everywhere else, until one goes on writing.
function tabKey(editor) {
  const escape = () => {
    editor.execCommand("singleSelection");
    leave(true);
  };
  const leave = (leaves) => {
    const ways = leaves ? { Tab: false, "Shift-Tab": false } : { Tab: indent, "Shift-Tab": "indentLess" };
    editor.setOption("extraKeys", { "Ctrl-F": "findPersistent", "Cmd-F": "findPersistent", Esc: escape, ...ways });
  };
  for (const event of ["cursorActivity", "change", "blur"]) editor.on(event, () => leave(false));
  leave(editor.getOption("readOnly"));
}

// What an input method or a telephone's keyboard wrote, CodeMirror reads 80 ms after it.
export const textIsRead = () => new Promise((done) => window.setTimeout(done, 100));

export function textbox(place, hint) {
  const { mode, label, readOnly } = place.dataset;
  const value = textOf(place.querySelector("noscript"));
  const editor = CodeMirror(place, {
    value,
    mode,
    theme: "demijohn",
    inputStyle: "contenteditable",
    lineNumbers: true,
    lineWrapping: true,
    readOnly: readOnly !== undefined,
    styleActiveLine: readOnly === undefined,
    matchBrackets: true,
    autoCloseBrackets: true,
    specialChars: hidden,
    specialCharPlaceholder: spelledOut,
    screenReaderLabel: label,
    phrases: { "(Use /re/ syntax for regexp search)": "" },
    ...indentation(value, mode),
  });
  const box = editor.getInputField();
  box.setAttribute("role", "textbox");
  box.setAttribute("aria-multiline", "true");
  box.setAttribute("aria-readonly", String(readOnly !== undefined));
  box.setAttribute("aria-describedby", hint.id);
  hint.hidden = readOnly !== undefined;
  tabKey(editor);
  return editor;
}
