import pc from "picocolors";
import { safeLine } from "../base/untrusted-text.js";
import { wrapText } from "../base/wrap-text.js";
import { qualityGrid } from "./quality-grid.js";
import { resultGrid } from "./result-grid.js";
import type { ConfigurationSummary, RunSummary } from "./summary.js";

export interface TableStyle {
  readonly columns: number;
  readonly color: boolean;
}

/** With more configurations the line would be a page; the chart has them all. */
const MOST_ESTIMATES = 12;

type Colors = ReturnType<typeof pc.createColors>;

/** One row a configuration; failures beneath, each with its next step. No line is wider than the terminal. */
export function resultTable(summary: RunSummary, style: TableStyle): string {
  const colors = pc.createColors(style.color);
  const quality = qualityGrid(summary, style, colors);
  const lines = [
    ...heading(summary, style, colors),
    resultGrid(summary, style, colors),
    ...(quality === null ? [] : [quality]),
    ...tasks(summary, style),
    ...verdicts(summary, style, colors),
    ...remarks(summary, style, colors),
    ...runRemarks(summary, style, colors),
    ...offloading(summary, style, colors),
    ...wrapText(estimates(summary), style.columns).map((line) => colors.dim(line)),
    ...wrapText(notes(summary), style.columns).map((line) => colors.dim(line)),
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

/** `lm-eval everyday acc: none 97.5 % ± 2.5 · fp4 95.0 % ± 3.5`; ± is the library's standard error. */
function tasks(summary: RunSummary, style: TableStyle): string[] {
  const lines = new Map<string, string[]>();
  for (const { label, lm_eval } of summary.configurations) {
    for (const { task, metric, filter, value, stderr } of lm_eval) {
      const name = `lm-eval ${safeLine(task)} ${safeLine(metric)}${filter === "none" ? "" : ` (${safeLine(filter)})`}`;
      const isShare = value >= 0 && value <= 1;
      const number = (one: number) => (isShare ? (one * 100).toFixed(1) : one.toPrecision(4));
      const error = stderr === null ? "" : ` ± ${number(stderr)}`;
      const text = `${safeLine(label)} ${number(value)}${isShare ? " %" : ""}${error}`;
      lines.set(name, [...(lines.get(name) ?? []), text]);
    }
  }
  return [...lines].flatMap(([name, values]) => wrapText(`${name}: ${values.join(" · ")}`, style.columns));
}

/** What each configuration costs and saves against the reference, in a sentence. */
function verdicts(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations.flatMap(({ label, why, against_reference: comparison }) => {
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

/** `Estimate against measurement: weights none +0.0 %, int8 +0.1 %; …`; empty where there is none. */
function estimates({ configurations }: RunSummary): string {
  const off = (ratio: number) => `${ratio < 1 ? "−" : "+"}${Math.abs((ratio - 1) * 100).toFixed(1)} %`;
  const listed = (ratioOf: (configuration: ConfigurationSummary) => number | null | undefined) =>
    configurations.flatMap((configuration) => {
      const ratio = ratioOf(configuration);
      return ratio == null ? [] : [`${safeLine(configuration.label)} ${off(ratio)}`];
    });
  const weights = listed(({ estimate }) => estimate?.weights_ratio);
  const peaks = listed(({ estimate }) => estimate?.peak_memory_ratio);
  if (weights.length === 0 || configurations.length > MOST_ESTIMATES) return "";
  const parts = [
    `weights ${weights.join(", ")}`,
    ...(peaks.length === 0 ? [] : [`peak ${peaks.join(", ")}`]),
  ];
  return `Estimate against measurement: ${parts.join("; ")}.`;
}

/** What a reader must know to read the table right. */
function notes(summary: RunSummary): string {
  const metrics = summary.configurations.map(({ memory_metric }) => memory_metric);
  const isRss = metrics.includes("peak_rss_bytes");
  const parts = ["Medians over trials; * is the reference; × time is against it; [95 % interval]."];
  const [text] = summary.configurations.flatMap(({ quality }) => quality.map(({ text_id }) => text_id));
  if (text !== undefined) {
    parts.push(`KL (nats a token) and top-1 agreement are against *, on the text ${safeLine(text)}.`);
  }
  if (summary.configurations.some(({ lm_eval }) => lm_eval.length > 0))
    parts.push("lm-eval: value ± standard error.");
  if (isRss)
    parts.push("Peak RSS is the whole process with its libraries; weights are the model's own tensors.");
  if (metrics.includes("peak_memory_allocated_bytes"))
    parts.push("Peak GPU is the most that PyTorch had allocated during a trial, over all its GPUs.");
  if (summary.model_note !== null) parts.push(safeLine(summary.model_note));
  return parts.join(" ");
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
