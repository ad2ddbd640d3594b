/**
 * The registry of metrics, used by everything that lists, shows, stores or compares metrics (docs/development.md, "Add a
 * metric").
 */
import { LOAD_METRICS } from "./load-metrics.js";
import {
  type LoadMetric,
  type Scalar,
  sortByPlace,
  type TextMetric,
  type TrialMetric,
  type TrialNumberKey,
  type TrialScalarKey,
  type TrialValues,
} from "./metric.js";
import { TEXT_METRICS } from "./text-metrics.js";
import { TRIAL_METRICS } from "./trial-metrics.js";

type TrialEntry = (typeof TRIAL_METRICS)[number];
type LoadEntry = (typeof LOAD_METRICS)[number];
type Listed = { readonly shown: { readonly list: true } };

/** Keys of the metrics with statistics in summary.json. */
export type SummaryKey = Extract<TrialEntry, { readonly summary: true | number }>["key"];
/** Keys of the load metrics in summary.json. */
export type LoadSummaryKey = Extract<LoadEntry, { readonly summary: true | number }>["key"];
/** Keys of the metrics in lists of runs. */
export type ListKey = Extract<TrialEntry, Listed>["key"];
export type LoadListKey = Extract<LoadEntry, Listed>["key"];

/** In the order of the registry. */
export const trialMetrics: readonly TrialMetric[] = TRIAL_METRICS;
export const loadMetrics: readonly LoadMetric[] = LOAD_METRICS;
export const textMetrics: readonly TextMetric[] = TEXT_METRICS;

type WithKey<M, K extends string> = M & { readonly key: K };

/** The metrics in summary.json, in its order. */
export const SUMMARY_METRICS = sortByPlace(trialMetrics, ({ summary }) => summary) as readonly WithKey<
  TrialMetric,
  SummaryKey
>[];
export const LOAD_SUMMARY_METRICS = sortByPlace(loadMetrics, ({ summary }) => summary) as readonly WithKey<
  LoadMetric,
  LoadSummaryKey
>[];

/** The metrics in lists of runs, in their order: load metrics as they are, trial metrics as medians. */
export const LIST_METRICS = SUMMARY_METRICS.filter(({ shown }) => shown?.list) as readonly WithKey<
  TrialMetric,
  ListKey
>[];
export const LOAD_LIST_METRICS = LOAD_SUMMARY_METRICS.filter(({ shown }) => shown?.list) as readonly WithKey<
  LoadMetric,
  LoadListKey
>[];

/** A trial's values under the keys that hold numbers; a reader of lists has only some of them. */
export type TrialNumbers = { readonly [K in TrialNumberKey]?: number | null };

/** Keys of the measurement that may hold the metric. */
export function listSources({ key, sources }: TrialMetric): readonly TrialNumberKey[] {
  return sources?.map((source) => source.key) ?? [key as TrialNumberKey];
}

/** Returns the key of the measurements that holds the metric: the first one that any of the trials has. Null if none has any. */
export function chooseSource(
  metric: TrialMetric,
  measurements: readonly TrialNumbers[],
): TrialNumberKey | null {
  const isMeasured = (source: TrialNumberKey) => measurements.some((one) => (one[source] ?? null) !== null);
  return listSources(metric).find(isMeasured) ?? null;
}

/**
 * Returns the metric's values over the trials that have one. A metric that other work on the machine disturbs is taken from
 * undisturbed trials only, if there are any.
 */
export function listTrialValues<M extends TrialNumbers>(
  metric: TrialMetric,
  measurements: readonly M[],
  quiet: readonly M[] = measurements,
): number[] {
  const source = chooseSource(metric, measurements);
  const counted = metric.isTimed && quiet.length > 0 ? quiet : measurements;
  return source === null ? [] : counted.flatMap((one) => one[source] ?? []);
}

/** The value in the metric's column of a trial's row. */
export function readTrialCell({ key, column }: TrialMetric, measurement: TrialValues): Scalar {
  return column?.read === undefined ? measurement[key as TrialScalarKey] : column.read(measurement);
}

/** The parts of the records that hold a configuration's load metrics; null if the records lack the part. */
export interface LoadParts {
  readonly load: object | null;
  readonly proof: object | null;
  readonly proof_after: object | null;
}

/** Null if it was not measured or is not a number. */
export function readLoadMetric({ key, from, field = key }: LoadMetric, parts: LoadParts): number | null {
  const part = from === "running" ? (parts.proof_after ?? parts.proof) : parts[from];
  const value: unknown = (part as Readonly<Record<string, unknown>> | null)?.[field];
  return typeof value === "number" ? value : null;
}

export interface TextValue {
  readonly value: number;
  /** The 95 % interval. Null if there is too little text. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Reads the metric from an entry of summary.json's `quality`. Null if it is not there. */
export function readTextValue(
  { path: [part, field] }: TextMetric,
  text: object | undefined,
): TextValue | null {
  const one = (text as Readonly<Record<string, unknown>> | undefined)?.[part] as
    | Readonly<Record<string, number | null>>
    | null
    | undefined;
  const value = one?.[field];
  if (one == null || value == null) return null;
  return { value, low: one.ci95_low ?? null, high: one.ci95_high ?? null };
}

/** Returns an object that has `value` under the key of each metric. */
export function shapeOf<K extends string, V>(
  metrics: readonly { readonly key: K }[],
  value: V,
): Record<K, V> {
  return Object.fromEntries(metrics.map(({ key }) => [key, value])) as Record<K, V>;
}

/** The load metrics that lists show and that are in the given part of the records. */
export function listedFrom<F extends LoadMetric["from"]>(
  part: F,
): readonly { readonly key: Extract<LoadEntry, Listed & { readonly from: F }>["key"] }[] {
  return LOAD_METRICS.filter(
    (metric) => metric.from === part && "shown" in metric && "list" in metric.shown,
  ) as never;
}

/** Medians over trials, as lists of runs name them. */
export type Medians = Record<`median_${ListKey}`, number | null>;

export function nameMedians(compute: (metric: (typeof LIST_METRICS)[number]) => number | null): Medians {
  return Object.fromEntries(
    LIST_METRICS.map((metric) => [`median_${metric.key}`, compute(metric)]),
  ) as Medians;
}

/** Reads the load metrics that lists show. */
export function readLoadList(parts: LoadParts): Record<LoadListKey, number | null> {
  return Object.fromEntries(
    LOAD_LIST_METRICS.map((metric) => [metric.key, readLoadMetric(metric, parts)]),
  ) as Record<LoadListKey, number | null>;
}
