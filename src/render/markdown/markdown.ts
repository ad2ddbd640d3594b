/** A run's table and verdicts as Markdown, for a comment on a pull request. Names are untrusted text. */

import { groupByReference, orderByReference } from "../../analysis/reference-groups.js";
import { markdownInline } from "../../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { statusWords } from "../terminal/run-list.js";
import { buildValueColumns, markedName } from "../terminal/value-columns.js";
import { headline, headlineWords, MOST_HEADLINES } from "../words/headline.js";
import { shownName } from "../words/names.js";
import { environmentSentence, estimateSentence, noteSentences, taskSentences } from "../words/sentences.js";

export function runMarkdown(summary: RunSummary): string {
  const { configurations } = summary;
  const columns = buildValueColumns(summary);
  const sections = [
    [`### ${markdownInline(`${summary.experiment}: ${summary.model_name}`)}`],
    headlines(configurations),
    [
      row(["", ...columns.map(({ header }) => header)]),
      `| --- |${" ---: |".repeat(columns.length)}`,
      ...orderByReference(configurations).map((one) =>
        row([markedName(one, shownName(one)), ...columns.map(({ cell }) => cell(one))]),
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

/** One line per configuration, or one table row if there are many, grouped by reference. */
function headlines(configurations: readonly ConfigurationSummary[]): string[] {
  const isTable = configurations.length > MOST_HEADLINES;
  return groupByReference(configurations)
    .flatMap(({ reference, configurations: own }) => {
      const lines = own.flatMap(isTable ? headlineRow : headlineItem);
      if (lines.length === 0) return [];
      const against = reference === null ? "" : `Against **${markdownInline(shownName(reference))}**:`;
      const head = isTable
        ? [row(["", "weights", "speed", "memory", "quality"]), "| --- | --- | --- | --- | --- |"]
        : [];
      return [against, "", ...head, ...lines, ""];
    })
    .slice(0, -1);
}

function headlineItem(configuration: ConfigurationSummary): string[] {
  const text = headline(configuration);
  return text === null ? [] : [`- **${markdownInline(shownName(configuration))}**: ${markdownInline(text)}`];
}

function headlineRow(configuration: ConfigurationSummary): string[] {
  const text = headline(configuration);
  if (text === null) return [];
  const words = headlineWords(configuration);
  const cells =
    words === null ? [text, "", "", ""] : [words.weights, words.speed, words.memory, words.quality];
  return [row([shownName(configuration), ...cells])];
}

/** The details, grouped by reference if there are several. None for many configurations, whose details are in the report. */
function verdicts(configurations: readonly ConfigurationSummary[]): string[] {
  if (configurations.length > MOST_HEADLINES) return [];
  const groups = groupByReference(configurations);
  return groups.flatMap(({ reference, configurations: own }) => {
    const lines = own.flatMap(verdict);
    const isNamed = groups.length > 1 && lines.length > 0 && reference !== null;
    return isNamed
      ? [`- against **${markdownInline(shownName(reference))}**:`, ...lines.map((line) => `  ${line}`)]
      : lines;
  });
}

/** What the configuration costs and saves compared with its reference, and why. */
function verdict(configuration: ConfigurationSummary): string[] {
  const { why, against_reference: comparison } = configuration;
  if (comparison === null) return [];
  return [
    `- **${markdownInline(shownName(configuration))}**: ${markdownInline(comparison.sentence)}`,
    ...(why === null ? [] : [`  - why: ${markdownInline(why)}`]),
  ];
}

function failure(configuration: ConfigurationSummary): string[] {
  const { failure: cause, status, trials_completed, trials_planned } = configuration;
  const label = shownName(configuration);
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
function warnings(summary: RunSummary): string[] {
  const { machine_remarks: unquiet, drift, configurations } = summary;
  const changes = environmentSentence(summary);
  return [
    ...summary.record_problems.map((problem) => `The records are incomplete: ${problem}`),
    ...unquiet.map((remark) => `Noisy machine: ${remark}`),
    ...(changes === "" ? [] : [changes]),
    ...(drift === null ? [] : [drift.sentence]),
    ...configurations.flatMap((one) => one.remarks.map((remark) => `${shownName(one)}: ${remark}`)),
    ...configurations
      .filter(({ offloaded }) => offloaded === true)
      .map((one) => `${shownName(one)}: layers were offloaded from the GPU; its times say little.`),
  ];
}

function origin({ run_id, started_at, falcon_exp_version, status }: RunSummary): string {
  return `Run ${run_id}, ${started_at}, falcon-exp ${falcon_exp_version}, ${statusWords(status)}.`;
}

function note(sentences: readonly string[]): string {
  const text = sentences.filter((sentence) => sentence !== "").join(" ");
  return `<sub>${markdownInline(text)}</sub>`;
}
