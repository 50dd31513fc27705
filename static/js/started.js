// What was started here and goes on in the background says how it ended.
const started = new Set();
const over = ["done", "failed", "cancelled", "interrupted"];
// What the work is called, and what it says of itself when it is done.
const kinds = {
  copy: ["Copying", ({ result }) => wordsOfCopy(result ?? {})],
  clone: ["Cloning", ({ subject, result }) => [`Cloned ${subject}.`, ...(result?.warnings ?? [])].join(" ")],
};

function wordsOf(job) {
  const [doing, words] = kinds[job.kind];
  return { done: () => words(job), failed: () => `${doing} failed. ${job.error}`, cancelled: () => `${doing} was cancelled.`, interrupted: () => `${doing} was interrupted.` }[job.state]();
}

function wordsOfCopy({ copied = [], skipped = [] }) {
  const many = (paths, verb) => (paths.length === 1 ? `${paths[0]} was ${verb}.` : `${paths.length.toLocaleString("en")} entries were ${verb}.`);
  return [copied.length && many(copied, "copied"), skipped.length && many(skipped, "left as it was")].filter(Boolean).join(" ");
}

async function tellOf(id) {
  const answer = await fetch(`/jobs/${id}`, { headers: { Accept: "application/json" } }).catch(() => null);
  const job = answer?.ok ? await answer.json() : null;
  if (!job || !over.includes(job.state) || !started.delete(id)) return;
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { text: wordsOf(job), bad: job.state === "failed" } }));
}

document.body.addEventListener("demijohn:done", ({ detail }) => {
  if (detail.event !== "job" || !detail.subject) return;
  started.add(detail.subject);
  // It may have ended before it was known here.
  tellOf(detail.subject);
});
document.body.addEventListener("job:over", ({ detail }) => {
  if (started.has(detail.subject)) tellOf(detail.subject);
});
