/**
 * Everything that the local pages do by script: apply a filter at once, follow a run, keep the list up to date and remember
 * what was chosen in it. Markup comes from the server, where it was escaped.
 */

import { watchChoice } from "./choice.js";
import { followRun } from "./follow-run.js";
import { awaitRuns, refreshList } from "./refresh-list.js";

const REFRESH_MS = 10_000;
const AWAIT_MS = 2_000;

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-instant]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

const lines = document.querySelector<HTMLElement>("#lines[data-events]");
if (lines !== null) followRun(document, lines);

const list = document.querySelector<HTMLElement>("form[data-refresh]");
if (list !== null) {
  watchChoice(list);
  setInterval(() => refreshList(document, list), REFRESH_MS);
}
if (document.querySelector("[data-awaits-runs]") !== null) setInterval(() => awaitRuns(document), AWAIT_MS);

document.documentElement.classList.add("scripted");
