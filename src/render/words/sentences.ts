/** The text below a run's table, as sentences without line breaks; names in them are made safe to show. */

import { haveCaches } from "../../analysis/batches.js";
import { safeLine } from "../../base/text.js";
import type { LmEvalResult } from "../../protocol/quality.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { DISTURBED_MARK, isDisturbed } from "./disturbed-mark.js";
import { shortName, shownName } from "./names.js";

/** With more configurations than this the line would fill a page; the chart has all of them. */
const MOST_ESTIMATES = 12;

/** `lm-eval everyday acc: none 97.5 % ± 2.5 · fp4 95.0 % ± 3.5`; ± is the library's standard error. */
export function taskSentences(summary: RunSummary): string[] {
  const lines = new Map<string, string[]>();
  for (const configuration of summary.configurations) {
    for (const result of configuration.lm_eval) {
      const { task, metric, filter } = result;
      const name = `lm-eval ${safeLine(task)} ${safeLine(metric)}${filter === "none" ? "" : ` (${safeLine(filter)})`}`;
      const text = `${shortName(configuration)} ${taskValueText(result)}`;
      lines.set(name, [...(lines.get(name) ?? []), text]);
    }
  }
  return [...lines].map(([name, values]) => `${name}: ${values.join(" · ")}`);
}

/** `97.5 % ± 2.5` for a share, otherwise the number itself. */
export function taskValueText({ value, stderr }: Pick<LmEvalResult, "value" | "stderr">): string {
  const isShare = value >= 0 && value <= 1;
  const number = (one: number) => (isShare ? (one * 100).toFixed(1) : one.toPrecision(4));
  return `${number(value)}${isShare ? " %" : ""}${stderr === null ? "" : ` ± ${number(stderr)}`}`;
}

/** What changed in the libraries and the machine during the run; empty if nothing did. */
export function environmentSentence({ environment_changes: changes }: RunSummary): string {
  if (changes.length === 0) return "";
  return `The environment changed during the run: ${safeLine(changes.join("; "))}.`;
}

/** `Estimate against measurement: weights none +0.0 %, int8 +0.1 %; …`; empty if there is no estimate. */
export function estimateSentence({ configurations }: RunSummary): string {
  const off = (ratio: number) => `${ratio < 1 ? "−" : "+"}${Math.abs((ratio - 1) * 100).toFixed(1)} %`;
  const listed = (computeRatio: (configuration: ConfigurationSummary) => number | null | undefined) =>
    configurations.flatMap((configuration) => {
      const ratio = computeRatio(configuration);
      return ratio == null ? [] : [`${shortName(configuration)} ${off(ratio)}`];
    });
  const weights = listed(({ estimate }) => estimate?.weights_ratio);
  const caches = listed(({ estimate }) => estimate?.kv_cache_ratio);
  const peaks = listed(({ estimate }) => estimate?.peak_memory_ratio);
  if (weights.length === 0 || configurations.length > MOST_ESTIMATES) return "";
  const parts = [
    `weights ${weights.join(", ")}`,
    ...(peaks.length === 0 ? [] : [`peak ${peaks.join(", ")}`]),
    // For the default growing cache, which nobody asked about, this would only repeat what is known from the model's shape.
    ...(haveCaches({ configurations }) && caches.length > 0 ? [`cache ${caches.join(", ")}`] : []),
  ];
  return `Estimate against measurement: ${parts.join("; ")}.`;
}

/** `* is the reference, bf16 (unquantized)`; the name is given only if there is a single reference. */
function referenceWords({ configurations }: RunSummary): string {
  const [reference, second] = configurations.filter(({ is_reference }) => is_reference);
  if (reference === undefined || second !== undefined) return "* is the reference";
  return `* is the reference, ${shownName(reference)}`;
}

/** What a reader must know to read the table correctly. */
export function noteSentences(summary: RunSummary): string {
  const metrics = summary.configurations.map(({ memory_metric }) => memory_metric);
  const isRss = metrics.includes("peak_rss_bytes");
  const parts = [
    `Medians over trials. ${referenceWords(summary)}. × time is the time relative to it, the geometric mean over pairs. Brackets: 99 % interval of a ratio.`,
  ];
  if (summary.configurations.some(isDisturbed)) {
    parts.push(`${DISTURBED_MARK}: other work disturbed every trial behind this figure.`);
  }
  const [text] = summary.configurations.flatMap(({ quality }) => quality.map(({ text_id }) => text_id));
  if (text !== undefined) {
    parts.push(`KL (nats per token) and top-1 agreement are relative to *, on the text ${safeLine(text)}.`);
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
