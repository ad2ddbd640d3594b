/**
 * All that the local pages do by themselves: choose a filter at once, follow a run, keep the list fresh while one runs. Markup comes from the
 * server, escaped there.
 */
import { followRun } from "./follow-run.js";
import { refreshList } from "./refresh-list.js";

const REFRESH_MS = 10_000;

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-instant]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

const lines = document.querySelector<HTMLElement>("#lines[data-events]");
if (lines !== null) followRun(document, lines);

const list = document.querySelector<HTMLElement>("form[data-refresh]");
if (list !== null) setInterval(() => refreshList(document, list), REFRESH_MS);
