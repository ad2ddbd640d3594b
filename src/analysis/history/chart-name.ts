/** Names of a history's charts: one per metric, or one per text for metrics of scored texts. */
import { HISTORY_METRICS, type HistoryMetric } from "./metrics.js";

const LONGEST_TEXT = 60;

/** `decode_tokens_per_sec`, `kl_divergence-english`. */
export function historyChartName(metric: HistoryMetric["key"], textId: string | null): string {
  if (textId === null) return metric;
  const slug = textId.toLowerCase().replaceAll(/[^a-z0-9_.]+/g, "-");
  return `${metric}-${slug.slice(0, LONGEST_TEXT)}`;
}

/** Whether a chart of this name may have been drawn by a history. */
export function isHistoryChart(name: string): boolean {
  return HISTORY_METRICS.some(
    ({ key, isOfText }) => name === key || (isOfText && name.startsWith(`${key}-`)),
  );
}
