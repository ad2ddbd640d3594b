import pc from "picocolors";
import { groupByReference } from "../../analysis/reference-groups.js";
import { safeLine, wrapText } from "../../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { estimateSentence, noteSentences, taskSentences } from "../words/sentences.js";
import type { TableStyle } from "./fit-table.js";
import { qualityGrid } from "./quality-grid.js";
import { resultGrid } from "./result-grid.js";

type Colors = ReturnType<typeof pc.createColors>;

/** One row a configuration; failures beneath, each with its next step. No line is wider than the terminal. */
export function resultTable(summary: RunSummary, style: TableStyle): string {
  const colors = pc.createColors(style.color);
  const quality = qualityGrid(summary, style);
  const lines = [
    ...heading(summary, style, colors),
    resultGrid(summary, style, colors),
    ...(quality === null ? [] : [quality]),
    ...taskSentences(summary).flatMap((line) => wrapText(line, style.columns)),
    ...verdicts(summary, style, colors),
    ...remarks(summary, style, colors),
    ...runRemarks(summary, style, colors),
    ...offloading(summary, style, colors),
    ...wrapText(estimateSentence(summary), style.columns).map((line) => colors.dim(line)),
    ...wrapText(noteSentences(summary), style.columns).map((line) => colors.dim(line)),
    ...failures(summary, style, colors),
  ];
  return lines.join("\n");
}

/** `quant: SmolLM2-135M-Instruct`; names may be longer than a line. */
function heading(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  const name = safeLine(summary.experiment);
  const [first = "", ...rest] = wrapText(`${name}: ${safeLine(summary.model_name)}`, style.columns);
  return first.startsWith(name) ? [colors.bold(name) + first.slice(name.length), ...rest] : [first, ...rest];
}

/** What each configuration costs and saves against its reference, in a sentence; each reference apart. */
function verdicts({ configurations }: RunSummary, style: TableStyle, colors: Colors): string[] {
  const groups = groupByReference(configurations);
  return groups.flatMap(({ reference, configurations: own }) => {
    const lines = verdictLines(own, style, colors);
    const isNamed = groups.length > 1 && lines.length > 0 && reference !== null;
    return isNamed ? [...wrapText(`against ${safeLine(reference.label)}:`, style.columns), ...lines] : lines;
  });
}

function verdictLines(
  configurations: readonly ConfigurationSummary[],
  style: TableStyle,
  colors: Colors,
): string[] {
  return configurations.flatMap(({ label, why, against_reference: comparison }) => {
    if (comparison === null) return [];
    const [first = "", ...rest] = wrapText(`${safeLine(label)}: ${comparison.sentence}`, style.columns - 2);
    const name = first.slice(0, safeLine(label).length);
    const reason =
      why === null ? [] : wrapText(`why: ${why}`, style.columns - 2).map((line) => colors.dim(`  ${line}`));
    return [`${colors.bold(name)}${first.slice(name.length)}`, ...rest.map((line) => `  ${line}`), ...reason];
  });
}

function remarks(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations.flatMap(({ label, remarks: own }) =>
    own.flatMap((remark) => wrapText(`${safeLine(label)}: ${remark}`, style.columns).map(colors.yellow)),
  );
}

/** What concerns the whole run: a machine that was not quiet, drift. */
function runRemarks(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  const { machine_remarks: unquiet, environment_changes: changes, drift } = summary;
  const drifted = drift?.points.some(({ time }) => time.verdict === "more" || time.verdict === "less");
  return [
    ...unquiet.flatMap((remark) => wrapText(`not quiet: ${remark}`, style.columns).map(colors.yellow)),
    ...(changes.length === 0
      ? []
      : wrapText(
          `not of one environment: ${safeLine(changes.join("; "))} while the run went on`,
          style.columns,
        ).map(colors.yellow)),
    ...(drift === null
      ? []
      : wrapText(drift.sentence, style.columns).map(drifted === true ? colors.yellow : colors.dim)),
  ];
}

/** Said in red: such a time measures the bus, not the quantization. */
function offloading(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations
    .filter(({ offloaded }) => offloaded === true)
    .flatMap(({ label }) =>
      wrapText(
        `${safeLine(label)}: layers were offloaded from the GPU; its times say little about the quantization.`,
        style.columns,
      ).map((line) => colors.red(line)),
    );
}

function failures(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations.flatMap(({ label, failure, status, trials_completed, trials_planned }) => {
    const done = `${trials_completed} of ${trials_planned} trials completed`;
    if (failure === null) {
      return status === "completed"
        ? []
        : ["", ...wrapText(`${safeLine(label)}: ${status.replaceAll("_", " ")}, ${done}`, style.columns)];
    }
    const indent = (text: string) => wrapText(text, style.columns - 2).map((line) => `  ${line}`);
    return [
      "",
      ...wrapText(`${safeLine(label)} failed: ${safeLine(failure.code)} (${done})`, style.columns).map(
        (line) => colors.red(line),
      ),
      ...indent(safeLine(failure.message).slice(0, 600)),
      ...indent(`next: ${safeLine(failure.next)}`),
    ];
  });
}
