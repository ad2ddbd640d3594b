/** The registry of metrics: whatever lists, shows, stores or compares metrics asks here (docs/development.md, "Add a metric"). */
import { LOAD_METRICS } from "./load-metrics.js";
import {
  type LoadMetric,
  type Scalar,
  sortByPlace,
  type TrialMetric,
  type TrialNumberKey,
  type TrialScalarKey,
  type TrialValues,
} from "./metric.js";
import { TRIAL_METRICS } from "./trial-metrics.js";

type TrialEntry = (typeof TRIAL_METRICS)[number];

/** Keys of the metrics with statistics in summary.json. */
export type SummaryKey = Extract<TrialEntry, { readonly summary: true | number }>["key"];

export interface SummaryMetric extends TrialMetric {
  readonly key: SummaryKey;
}

export const trialMetrics: readonly TrialMetric[] = TRIAL_METRICS;
export const loadMetrics: readonly LoadMetric[] = LOAD_METRICS;

/** Metrics with statistics in summary.json, in its order. */
export const SUMMARY_METRICS = sortByPlace(
  trialMetrics,
  ({ summary }) => summary,
) as readonly SummaryMetric[];

/** What trials have under the keys that hold numbers; a reader of lists has only some of them. */
export type TrialNumbers = { readonly [K in TrialNumberKey]?: number | null };

/** Which key of the measurements holds the metric: the first that any of the trials measured; null where none did. */
export function chooseSource(
  { key, sources = [key as TrialNumberKey] }: TrialMetric,
  measurements: readonly TrialNumbers[],
): TrialNumberKey | null {
  return sources.find((source) => measurements.some((one) => (one[source] ?? null) !== null)) ?? null;
}

/** The metric's values over trials, those left out that have none. */
export function listTrialValues(metric: TrialMetric, measurements: readonly TrialNumbers[]): number[] {
  const source = chooseSource(metric, measurements);
  return source === null ? [] : measurements.flatMap((one) => one[source] ?? []);
}

/** What a trial's row has in the metric's column. */
export function readTrialCell({ key, column }: TrialMetric, measurement: TrialValues): Scalar {
  return (
    column?.read?.(measurement) ?? (column?.read === undefined ? measurement[key as TrialScalarKey] : null)
  );
}
