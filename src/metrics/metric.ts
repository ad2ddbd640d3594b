/** What a metric is: one entry says what it means, how it is read, and wherever it is shown. */
import type { LoadMeasurement, TrialMeasurement } from "../protocol/measurements.js";

export type MetricUnit =
  | "seconds"
  | "bytes"
  | "joules"
  | "tokens"
  | "tokens a second"
  | "ratio"
  | "nats"
  | "share";

export type ColumnType = "string" | "int64" | "double" | "boolean";
/** What a cell of the flat table holds. */
export type Scalar = string | number | boolean | null;

type KeysOf<T, V> = { [K in keyof T]: T[K] extends V ? K : never }[keyof T];
/** Keys of a trial's measurement that hold one value, and those that hold a number. */
export type TrialScalarKey = KeysOf<TrialMeasurement, Scalar>;
export type TrialNumberKey = KeysOf<TrialMeasurement, number | null>;
/** As much of a trial's measurement as metrics read: recorded by any version. */
export type TrialValues = Pick<TrialMeasurement, TrialScalarKey | "itl_sec">;
/** As much of a load's measurement as metrics read. */
export type LoadValues = Pick<
  LoadMeasurement,
  "load_sec" | "load_peak_allocated_bytes" | "load_peak_rss_bytes"
> & {
  readonly proof: Pick<
    LoadMeasurement["proof"],
    "weights_bytes" | "parameters" | "linear_layers" | "quantized_linear_layers"
  >;
};

/** A column of the flat table (CSV, Parquet, JSON); its unit stands in its name. */
export interface ColumnSpec<Values> {
  readonly type: ColumnType;
  readonly description: string;
  /** The metric's key where it is left out. */
  readonly name?: string;
  /** The value under the metric's key where it is left out. */
  readonly read?: (values: Values) => Scalar;
}

interface MetricBase {
  /** As records, summary.json and `--fail-on` name it; carries the unit. */
  readonly key: string;
  /** Null for what is no number. */
  readonly unit: MetricUnit | null;
  /** Null where neither is. */
  readonly better: "lower" | "higher" | null;
  /** The line of docs/metrics.md, in Markdown; null where another line tells it. */
  readonly docs: string | null;
}

/** Of one trial, from the measurement of its record. */
export interface TrialMetric extends MetricBase {
  readonly column?: ColumnSpec<TrialValues>;
  /**
   * Keys of the measurement that may hold it: the first that any trial of a configuration measured is taken for all of its
   * trials. The metric's key where it is left out.
   */
  readonly sources?: readonly TrialNumberKey[];
  /** Statistics over the completed trials, in summary.json: its place among these, the last without a number. */
  readonly summary?: true | number;
}

/** Of one load of a configuration. */
export interface LoadMetric extends MetricBase {
  readonly column: ColumnSpec<LoadValues>;
  readonly read: (load: LoadValues) => number | null;
}

/** Entries of a place in its order: those with a number by it, then the others as they stand in the registry. */
export function sortByPlace<M>(metrics: readonly M[], place: (metric: M) => true | number | undefined): M[] {
  const order = (metric: M) => {
    const at = place(metric);
    return at === true || at === undefined ? Number.POSITIVE_INFINITY : at;
  };
  return metrics
    .filter((metric) => place(metric) !== undefined)
    .toSorted((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)));
}
