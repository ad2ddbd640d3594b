/** A run's table and verdicts as Markdown, for a pull request's comment. Names are untrusted text. */

import { groupByReference, orderByReference } from "../../analysis/reference-groups.js";
import { markdownInline } from "../../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { statusWords } from "../terminal/run-list.js";
import { buildValueColumns, markedName } from "../terminal/value-columns.js";
import { estimateSentence, noteSentences, taskSentences } from "../words/sentences.js";

export function runMarkdown(summary: RunSummary): string {
  const { configurations } = summary;
  const columns = buildValueColumns(summary);
  const sections = [
    [`### ${markdownInline(`${summary.experiment}: ${summary.model_name}`)}`],
    [
      row(["", ...columns.map(({ header }) => header)]),
      `| --- |${" ---: |".repeat(columns.length)}`,
      ...orderByReference(configurations).map((one) =>
        row([markedName(one), ...columns.map(({ cell }) => cell(one))]),
      ),
    ],
    [...verdicts(configurations), ...configurations.flatMap(failure)],
    [...taskSentences(summary), ...warnings(summary)].map((line) => `- ${markdownInline(line)}`),
    [note([estimateSentence(summary), noteSentences(summary), origin(summary)])],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(markdownInline).join(" | ")} |`;
}

/** Of each reference apart, where there are several. */
function verdicts(configurations: readonly ConfigurationSummary[]): string[] {
  const groups = groupByReference(configurations);
  return groups.flatMap(({ reference, configurations: own }) => {
    const lines = own.flatMap(verdict);
    const isNamed = groups.length > 1 && lines.length > 0 && reference !== null;
    return isNamed
      ? [`- against **${markdownInline(reference.label)}**:`, ...lines.map((line) => `  ${line}`)]
      : lines;
  });
}

/** What it costs and saves against the reference, and why. */
function verdict({ label, why, against_reference: comparison }: ConfigurationSummary): string[] {
  if (comparison === null) return [];
  return [
    `- **${markdownInline(label)}**: ${markdownInline(comparison.sentence)}`,
    ...(why === null ? [] : [`  - why: ${markdownInline(why)}`]),
  ];
}

function failure(configuration: ConfigurationSummary): string[] {
  const { label, failure: cause, status, trials_completed, trials_planned } = configuration;
  const done = `${trials_completed} of ${trials_planned} trials completed`;
  if (cause !== null) {
    return [
      `- **${markdownInline(label)} failed**: ${markdownInline(`${cause.code} (${done}): ${cause.message.slice(0, 600)}`)}`,
      `  - next: ${markdownInline(cause.next)}`,
    ];
  }
  if (status === "completed") return [];
  return [`- **${markdownInline(label)}**: ${statusWords(status)}, ${done}`];
}

/** What a reader must know before trusting the values. */
function warnings({ machine_remarks: unquiet, drift, configurations }: RunSummary): string[] {
  return [
    ...unquiet.map((remark) => `not quiet: ${remark}`),
    ...(drift === null ? [] : [drift.sentence]),
    ...configurations.flatMap(({ label, remarks }) => remarks.map((remark) => `${label}: ${remark}`)),
    ...configurations
      .filter(({ offloaded }) => offloaded === true)
      .map(({ label }) => `${label}: layers were offloaded from the GPU; its times say little.`),
  ];
}

function origin({ run_id, started_at, falcon_exp_version, status }: RunSummary): string {
  return `Run ${run_id}, ${started_at}, falcon-exp ${falcon_exp_version}, ${statusWords(status)}.`;
}

function note(sentences: readonly string[]): string {
  const text = sentences.filter((sentence) => sentence !== "").join(" ");
  return `<sub>${markdownInline(text)}</sub>`;
}
