/** Any runs or configurations side by side: a form to choose them, then the comparison with its chart. */

import { html, raw } from "hono/html";
import { diffAnswers } from "../../analysis/answer-diff.js";
import type { ComparedQuestion } from "../../analysis/compare/side-answers.js";
import type { FalconError } from "../../base/errors.js";
import { safeLines } from "../../base/text.js";
import { describePrompt } from "../../protocol/prompt.js";
import { renderAnswerDiff } from "../../render/html/answer-diff-markup.js";
import { clipAnswer } from "../../render/html/clip.js";
import { statusWords } from "../../render/terminal/run-list.js";
import {
  COMPARE_NOTE,
  differenceCells,
  environmentHeading,
  groupName,
  knownDifferences,
  ratioWords,
  unrecordedLine,
} from "../../render/words/compare.js";
import type { ComparedGroup, CompareReport } from "../../render/words/compare-report.js";
import type { RunIndexEntry } from "../../run/run-index.js";
import { addresses } from "./addresses.js";
import { findReach, forestRow, judge } from "./forest.js";
import { type Html, layout, text } from "./layout.js";

/** Thousands of runs in two menus would make a page of megabytes; older runs can be chosen in the list. */
const MOST_CHOICES = 50;

/** Per group; nobody would read a page with thousands of answers. */
const MOST_QUESTIONS = 20;
const LONGEST_ANSWER_BYTES = 4_000;

export interface ComparePageInput {
  readonly runs: readonly RunIndexEntry[];
  /** As the address names them: `path`, or `path#configuration`. */
  readonly sides: readonly string[];
  readonly result:
    | {
        readonly report: CompareReport;
        /** One list per group of the report. */
        readonly questions: readonly (readonly ComparedQuestion[])[];
      }
    | { readonly refused: FalconError }
    | null;
}

export function comparePage({ runs, sides, result }: ComparePageInput): Html {
  return layout(
    "Compare",
    html`<h1>Compare</h1>
${form(runs, sides)}
${result === null ? html`<p>Choose two runs, or one configuration of each. The others are compared with the baseline.</p>` : "report" in result ? reportPart(result.report, result.questions) : refusal(result.refused, sides)}`,
  );
}

function form(runs: readonly RunIndexEntry[], sides: readonly string[]): Html {
  const names = ["Baseline", "Compared", ...sides.slice(2).map((_, index) => `Compared (${index + 2})`)];
  const selects = names.map(
    (name, index) =>
      html`<label>${name} <select name="side" required>${choices(runs, sides[index] ?? "")}</select></label>`,
  );
  return html`<form action="/compare" method="get" class="bar">${selects}<button type="submit">Compare</button></form>`;
}

function choices(runs: readonly RunIndexEntry[], chosen: string): readonly Html[] {
  const readable = runs.filter(
    ({ status, configurations }) => status !== "damaged" && configurations.length > 0,
  );
  const isChosen = ({ path }: RunIndexEntry) => chosen === path || chosen.startsWith(`${path}#`);
  const offered = readable.filter((run, index) => index < MOST_CHOICES || isChosen(run));
  const option = (value: string, name: string) =>
    html`<option value="${value}"${value === chosen ? html` selected` : ""}>${text(name)}</option>`;
  const isKnown = chosen === "" || readable.some(isChosen);
  return [
    html`<option value="">choose …</option>`,
    ...(isKnown ? [] : [option(chosen, chosen)]),
    ...offered.map(
      ({ path, configurations }) =>
        html`<optgroup label="${text(path)}">${[
          option(path, `${path}: the whole run`),
          ...configurations.map(({ id, label }) => option(`${path}#${id}`, `${path} # ${label}`)),
        ]}</optgroup>`,
    ),
  ];
}

function refusal(error: FalconError, sides: readonly string[]): Html {
  const force =
    error.code === "compare-incomparable"
      ? html`<p><a href="${addresses.compare(sides, true)}">Compare anyway</a></p>`
      : error.next === null
        ? ""
        : html`<p class="next">${text(error.next)}</p>`;
  return html`<section class="failed" role="alert">${error.message.split("\n").map((line) => html`<p>${text(line)}</p>`)}${force}</section>`;
}

function reportPart(report: CompareReport, questions: readonly (readonly ComparedQuestion[])[]): Html {
  const reach = findReach(report);
  return html`${report.forced.map((reason) => html`<p class="bad">forced: ${text(reason)}</p>`)}
<section><h2>Environment</h2>
${report.environment.length === 0 ? html`<p>The same machine, libraries and program.</p>` : differencesPart(report)}</section>
${report.groups.map((group, index) => groupPart(group, questions[index] ?? [], reach))}
${report.unpaired.length === 0 ? "" : html`<p>Not in every run: ${report.unpaired.map(text).join(", ")}.</p>`}
<p>${COMPARE_NOTE} In the plots, the middle line means no difference and right is better. The scale is logarithmic, with edges at ${reach.toFixed(reach < 2 ? 2 : 1)}×.</p>`;
}

function differencesPart(report: CompareReport): Html {
  const names = report.arguments;
  const unrecorded = unrecordedLine(report);
  return html`<p>${environmentHeading(report)}</p><div class="scrolls" role="region" aria-label="Environment, to scroll" tabindex="0"><table class="compared"><thead><tr><th scope="col">Differs</th>${names.map((name) => html`<th scope="col">${breakable(name)}</th>`)}</tr></thead>
<tbody>${knownDifferences(report).map((one) => html`<tr><th scope="row">${text(one.what)}</th>${differenceCells(one).map((value, index) => html`<td data-head="${text(names[index] ?? "")}">${text(value)}</td>`)}</tr>`)}</tbody></table></div>
${unrecorded === null ? "" : html`<p>${text(unrecorded)}.</p>`}`;
}

/** `quant/20261124T…#fp4`, made breakable between its parts. */
function breakable(name: string): Html[] {
  return name.split(/(?<=[/#])/).map((part) => html`${text(part)}<wbr>`);
}

function groupPart(group: ComparedGroup, questions: readonly ComparedQuestion[], reach: number): Html {
  const rows = group.metrics.filter(({ values }) => values.some((value) => value !== null));
  const heads = group.sides.flatMap(({ name }, index) => [
    html`<th scope="col">${breakable(name)}</th>`,
    ...(index === 0
      ? []
      : [
          html`<th scope="col"><span class="ends"><span>← worse</span><span>better →</span></span></th>`,
          html`<th scope="col">relative to the baseline</th>`,
        ]),
  ]);
  const cells = ({ texts, against, better }: (typeof rows)[number]) =>
    texts.flatMap((value, index) => {
      const name = text(group.sides[index]?.name ?? "");
      const ratio = against[index] ?? null;
      const words = ratioWords(ratio, better);
      return [
        html`<td class="number" data-head="${name}">${value ?? "–"}</td>`,
        ...(index === 0
          ? []
          : [
              html`<td class="plot">${forestRow(ratio, better, reach)}</td>`,
              html`<td class="${judge(ratio, better)}" data-head="relative to the baseline">${words}</td>`,
            ]),
      ];
    });
  const same = group.answers_equal.flatMap((answers, index) =>
    answers === null || answers.pairs === 0
      ? []
      : [
          html`<li>${text(group.sides[index]?.name ?? "")}: ${answers.equal} of ${answers.pairs} answers the same as the baseline's</li>`,
        ],
  );
  const notes = group.sides.filter(({ status }) => status !== "completed");
  return html`<section><h2>${text(groupName(group))}</h2>
<ul>${group.differences.map(({ what, values }) => html`<li>${text(what)}: ${values.map((value) => text(value ?? "not recorded")).join(" → ")}</li>`)}
${notes.map(({ name, status }) => html`<li class="bad">${text(name)}: ${text(statusWords(status))}</li>`)}${same}</ul>
${
  rows.length === 0
    ? ""
    : html`<div class="scrolls" role="region" aria-label="${text(groupName(group))}, to scroll" tabindex="0"><table class="compared"><thead><tr><th scope="col">Metric</th>${heads}</tr></thead>
<tbody>${rows.map((row) => html`<tr><th scope="row">${text(row.title)}</th>${cells(row)}</tr>`)}</tbody></table></div>`
}
${questions.length === 0 ? "" : html`<details><summary>Answers side by side</summary>${questions.slice(0, MOST_QUESTIONS).map((one) => questionPart(group, one))}${questions.length > MOST_QUESTIONS ? html`<p>${questions.length - MOST_QUESTIONS} more questions in the reports.</p>` : ""}</details>`}</section>`;
}

/** What differs from the baseline's answer is underlined; text that only the baseline's answer has is not shown again. */
function questionPart({ sides }: ComparedGroup, { prompt, answers }: ComparedQuestion): Html {
  const [first = null, ...others] = answers.map((one) =>
    one === null ? null : clipAnswer(one, LONGEST_ANSWER_BYTES),
  );
  const said = [
    first === null ? "no answer" : html`${safeLines(first.text)}`,
    ...others.map((one) => {
      if (one === null) return "no answer";
      return first === null
        ? html`${safeLines(one.text)}`
        : raw(renderAnswerDiff(diffAnswers(one, first), false).text);
    }),
  ];
  return html`<h3>${text(describePrompt(prompt).slice(0, 300))}</h3>
<div class="answers">${said.map((one, index) => html`<div class="answer"><h4>${text(sides[index]?.name ?? "")}</h4><div class="said" dir="auto" translate="no">${one}</div></div>`)}</div>`;
}
