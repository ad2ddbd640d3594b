import pc from "picocolors";
import { safeLine, wrapText } from "../../base/text.js";
import type { RunSummary } from "../../run/summary-schema.js";
import { shownName } from "../words/names.js";
import { environmentSentence, estimateSentence, noteSentences, taskSentences } from "../words/sentences.js";
import { describePastLoss } from "../words/task-losses.js";
import type { TableStyle } from "./fit-table.js";
import { LATENCY_NOTE, latencyGrid } from "./latency-grid.js";
import { qualityGrid } from "./quality-grid.js";
import { resultGrid } from "./result-grid.js";
import { detailLines, headlineLines } from "./verdicts.js";

/** If more configurations than this share a remark, they are counted instead of named. */
const MOST_NAMED = 4;

type Colors = ReturnType<typeof pc.createColors>;

/** One row per configuration; failures below, each with its next step. No line is wider than the terminal. */
export function resultTable(summary: RunSummary, style: TableStyle): string {
  const colors = pc.createColors(style.color);
  const quality = qualityGrid(summary, style);
  const latency = latencyGrid(summary, style);
  const lines = [
    ...heading(summary, style, colors),
    ...headlineLines(summary, style, colors),
    resultGrid(summary, style, colors),
    ...(latency === null ? [] : [latency, ...wrapText(LATENCY_NOTE, style.columns).map(colors.dim)]),
    ...(quality === null ? [] : [quality]),
    ...taskSentences(summary).flatMap((line) => wrapText(line, style.columns)),
    ...detailLines(summary, style, colors),
    ...remarks(summary, style, colors),
    ...runRemarks(summary, style, colors),
    ...taskLosses(summary, style, colors),
    ...offloading(summary, style, colors),
    ...[estimateSentence(summary), noteSentences(summary)]
      .filter((sentence) => sentence !== "")
      .flatMap((sentence) => wrapText(sentence, style.columns).map((line) => colors.dim(line))),
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

/** A remark that several configurations share is shown once. */
function remarks({ configurations }: RunSummary, style: TableStyle, colors: Colors): string[] {
  const names = new Map<string, string[]>();
  for (const configuration of configurations) {
    for (const remark of configuration.remarks) {
      names.set(remark, [...(names.get(remark) ?? []), shownName(configuration)]);
    }
  }
  return [...names].flatMap(([remark, all]) => {
    const who = all.length > MOST_NAMED ? `${all.length} configurations` : all.join(", ");
    return wrapText(`${who}: ${remark}`, style.columns).map(colors.yellow);
  });
}

/** Remarks about the whole run: a machine that was not quiet, changes of the environment, drift. */
function runRemarks(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  const { machine_remarks: unquiet, drift } = summary;
  const changes = environmentSentence(summary);
  const drifted = drift?.points.some(({ time }) => time.verdict === "more" || time.verdict === "less");
  return [
    ...unquiet.flatMap((remark) => wrapText(`Noisy machine: ${remark}`, style.columns).map(colors.yellow)),
    ...(changes === "" ? [] : wrapText(changes, style.columns).map(colors.yellow)),
    ...(drift === null
      ? []
      : wrapText(drift.sentence, style.columns).map(drifted === true ? colors.yellow : colors.dim)),
  ];
}

/** Only the newest are shown; all of them are in summary.json. */
const MOST_LOSSES = 8;

function taskLosses({ task_losses: losses }: RunSummary, style: TableStyle, colors: Colors): string[] {
  const shown = losses.slice(-MOST_LOSSES).map(describePastLoss);
  const more = losses.length - shown.length;
  const lines =
    more === 0 ? shown : [`${more} more tasks were interrupted before: see summary.json.`, ...shown];
  return lines.flatMap((line) => wrapText(line, style.columns).map(colors.yellow));
}

/** In red, because the times of an offloaded model measure the bus, not the quantization. */
function offloading(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations
    .filter(({ offloaded }) => offloaded === true)
    .flatMap((configuration) =>
      wrapText(
        `${shownName(configuration)}: layers were offloaded from the GPU; its times say little about the quantization.`,
        style.columns,
      ).map((line) => colors.red(line)),
    );
}

function failures(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations.flatMap((configuration) => {
    const { failure, status, trials_completed, trials_planned } = configuration;
    const name = shownName(configuration);
    const done = `${trials_completed} of ${trials_planned} trials completed`;
    if (failure === null) {
      return status === "completed"
        ? []
        : ["", ...wrapText(`${name}: ${status.replaceAll("_", " ")}, ${done}`, style.columns)];
    }
    const indent = (text: string) => wrapText(text, style.columns - 2).map((line) => `  ${line}`);
    return [
      "",
      ...wrapText(`${name} failed: ${safeLine(failure.code)} (${done})`, style.columns).map((line) =>
        colors.red(line),
      ),
      ...indent(safeLine(failure.message).slice(0, 600)),
      ...indent(`next: ${safeLine(failure.next)}`),
    ];
  });
}
