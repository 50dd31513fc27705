// What can be done to the selected, and how many that are.
import { size } from "./size.js";

function words(facts) {
  const taken = facts.reduce((sum, each) => sum + each.size, 0);
  const folders = facts.filter((each) => each.type === "folder").length;
  const more = [taken ? size(taken) : "", folders ? `${folders} ${folders === 1 ? "folder" : "folders"} not counted` : ""].filter(Boolean);
  return `${facts.length.toLocaleString("en")} selected${taken ? `, ${more.join(", ")}` : ""}`;
}

// `chosen` has the facts of each selected entry by its id.
export function showBar(folder, chosen) {
  const facts = [...chosen.values()];
  folder.toggleAttribute("data-chosen", facts.length > 0);
  const count = folder.querySelector("[data-selected-count]");
  if (count) count.textContent = facts.length ? words(facts) : "";
  const one = folder.querySelector("[data-download-one]");
  const alone = facts.length === 1 && facts[0].type === "file";
  if (one) one.hidden = !alone;
  folder.querySelector("[data-selection=download]").hidden = alone;
  if (one && alone) one.href = one.dataset.downloadOne + [...chosen.keys()][0];
  for (const button of folder.querySelectorAll("[data-selection=rename]")) button.hidden = facts.length !== 1;
}
