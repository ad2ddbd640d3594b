/**
 * `report.html`: a single file that opens from disk and makes no network requests. It depends only on the records, the
 * summary and the bundle: the same inputs give the same bytes.
 *
 * Everything but the charts is there even without scripts; the script draws the charts, sorts, filters and unfolds.
 */

import { createHash } from "node:crypto";
import { safeLine } from "../../base/text.js";
import type { RunData } from "../../run/run-data.js";
import type { RunSummary } from "../../run/summary-schema.js";
import { chartInputs } from "../charts/inputs/chart-inputs.js";
import { pickShown } from "../shown-part.js";
import { shownName } from "../words/names.js";
import { describeRandomWeights } from "../words/random-weights.js";
import { againSection } from "./again-section.js";
import { answersSection } from "./answers-section.js";
import type { PageBundle } from "./bundle.js";
import { comparisonSection, moreChartsSection, tradeoffSection } from "./charts-section.js";
import { environmentSection } from "./environment-section.js";
import { failuresSection, hasFailures } from "./failures-section.js";
import { latencySection } from "./latency-section.js";
import { html, jsonForScript, Markup, type Part } from "./markup.js";
import type { PageData } from "./page-data.js";
import { proofSection } from "./proof-section.js";
import { qualitySection } from "./quality-section.js";
import { resultTable } from "./result-table.js";
import { selectionBar } from "./selection-bar.js";
import { verdictsSection } from "./verdicts-section.js";

export function reportHtml(all: RunData, allSummary: RunSummary, bundle: PageBundle): string {
  const { data, summary, note } = pickShown(all, allSummary);
  const inputs = chartInputs(data, summary);
  const pageData: PageData = {
    configurations: summary.configurations.map((one) => ({ id: one.id, label: shownName(one) })),
    charts: inputs,
  };
  const failures = failuresSection(data, note);
  const sections: readonly (Section | null)[] = [
    ["verdicts", "Verdict", verdictsSection(summary)],
    // Failures come near the top. If nothing failed, the section that says so comes near the end.
    ...(hasFailures(data) ? [["failures", "Failures", failures] as const] : []),
    ["comparison", "Side by side", comparisonSection(inputs)],
    ["results", "Results", resultTable(summary)],
    optional("tradeoff", "Tradeoff", tradeoffSection(inputs)),
    optional(
      "quality",
      "Quality",
      qualitySection(summary, inputs, describeRandomWeights(data.configurations)),
    ),
    ["answers", "Answers", answersSection(data)],
    optional("latency", "Latency", latencySection(summary)),
    ["charts", "More charts", moreChartsSection(inputs)],
    ["proof", "What ran", proofSection(data, summary)],
    ...(hasFailures(data) ? [] : [["failures", "Failures", failures] as const]),
    ["environment", "Environment", environmentSection(data)],
    ["again", "Run it again", againSection(data)],
  ];
  const shown = sections.filter((section) => section !== null);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(bundle)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${summary.experiment}: ${summary.model_name}</title>
<style>${new Markup(bundle.style)}</style>
</head>
<body>
${new Markup(SKIP_LINK)}
${head(summary)}
${selectionBar(summary)}
<main id="main" tabindex="-1">
${recordProblems(summary)}
${note !== null && html`<p class="warning">${note}</p>`}
${contents(shown)}
${shown.map(([, , content]) => content)}
</main>
<div id="announcer" class="unseen" role="status"></div>
<script type="application/json" id="page-data">${jsonForScript(pageData)}</script>
<script>${new Markup(bundle.script)}</script>
</body>
</html>
`.text;
}

/** The first element of the page; `serve` inserts its own navigation after it. */
export const SKIP_LINK = `<a class="skip" href="#main">Skip to the results</a>`;

type Section = readonly [id: string, title: string, content: Part];

/** A section that not every run has; null if this run has no content for it. */
function optional(id: string, title: string, content: Markup | null): Section | null {
  return content === null ? null : [id, title, content];
}

function contents(sections: readonly Section[]): Markup {
  return html`<nav class="contents" aria-label="Contents"><ul>
${sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>\n`)}</ul></nav>`;
}

/** Allows only this file's own script and style, by their hashes: an injected script, style or request is refused. */
function contentSecurityPolicy({ script, style }: PageBundle): string {
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

const STATUS_TEXT: Readonly<Record<RunSummary["status"], string>> = {
  completed: "completed",
  partly_failed: "partly failed",
  all_failed: "everything failed",
  interrupted: "interrupted",
};

function head(summary: RunSummary): Markup {
  const { status, trials_completed, trials_planned } = summary;
  const isWhole = status === "completed";
  return html`<header class="head">
<div>
<h1>${summary.experiment} <span class="quiet">${summary.model_name}</span></h1>
<p class="quiet">${summary.run_id} · <span class="${isWhole ? "good" : "bad"}">${isWhole ? "✓" : "✗"} ${STATUS_TEXT[status]}</span> · ${trials_completed} of ${trials_planned} trials · ${summary.started_at.slice(0, 16).replace("T", " ")} UTC</p>
</div>
<button type="button" id="theme" class="needs-script">Dark theme</button>
</header>`;
}

/** Placed first, because what is missing from the records is in no table and no chart. */
function recordProblems({ record_problems }: RunSummary): Part {
  if (record_problems.length === 0) return "";
  return html`<section id="record-problems" aria-labelledby="record-problems-h">
<h2 id="record-problems-h">The records are incomplete</h2>
<ul>${record_problems.map((problem) => html`<li class="bad">✗ ${safeLine(problem)}</li>`)}</ul>
</section>`;
}
