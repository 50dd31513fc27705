// Fields that hold a secret: it stands in the field alone, never in the page's source; see also swaps.js.
import { errorIn } from "./swaps.js";

const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS = 5;
const GROUP_LENGTH = 5;

const say = (text, bad = false) => document.body.dispatchEvent(new CustomEvent("notice", { detail: { text, bad } }));

// 125 bits; letters and digits that nobody takes for others.
function passphrase() {
  const numbers = crypto.getRandomValues(new Uint8Array(GROUPS * GROUP_LENGTH));
  const letters = [...numbers].map((number) => ALPHABET[number % ALPHABET.length]).join("");
  return letters.match(new RegExp(`.{${GROUP_LENGTH}}`, "g")).join("-");
}

function show(field, shown) {
  field.type = shown ? "text" : "password";
  document.querySelector(`[data-reveal="${field.id}"]`)?.setAttribute("aria-pressed", String(shown));
}

function generate(field) {
  field.value = passphrase();
  show(field, true);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.select();
}

async function copy(field) {
  if (!field.value) return say("There is nothing to copy yet.", true);
  try {
    await navigator.clipboard.writeText(field.value);
    say("Copied. Keep it in your password manager.");
  } catch {
    say("The browser did not allow copying. Select the text and copy it by hand.", true);
  }
}

// A form's answer as a file. The browser does so by itself, too, but would show an error in place of the form.
async function download(button) {
  const form = button.form;
  const answer = await fetch(button.formAction, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
  if (!answer.ok) return say(errorIn({ responseText: await answer.text(), status: answer.status }), true);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "key-sheet.txt";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { reveal, generate: wanted, copyField, downloadForm } = button.dataset;
  if (reveal) {
    const field = document.getElementById(reveal);
    show(field, field.type === "password");
  }
  if (wanted) generate(document.getElementById(wanted));
  if (copyField) copy(document.getElementById(copyField));
  if (downloadForm !== undefined) {
    event.preventDefault();
    download(button).catch(() => say("The key sheet could not be made: Demijohn does not answer.", true));
  }
});
