/** What a metric is: one entry says what it means, how it is read, and everywhere it is shown. */
import type { TrialMeasurement } from "../protocol/measurements.js";
import type { MetricUnit } from "./units.js";

export type ColumnType = "string" | "int64" | "double" | "boolean";
/** What a cell of the flat table holds. */
export type Scalar = string | number | boolean | null;

type KeysOf<T, V> = { [K in keyof T]: T[K] extends V ? K : never }[keyof T];
/** Keys of a trial's measurement that hold one value, and those that hold a number. */
export type TrialScalarKey = KeysOf<TrialMeasurement, Scalar>;
export type TrialNumberKey = KeysOf<TrialMeasurement, number | null>;
/** The part of a trial's measurement that metrics read, as recorded by any version. */
export type TrialValues = Pick<TrialMeasurement, TrialScalarKey | "itl_sec">;
/** A column of the flat table (CSV, Parquet, JSON); its name includes the unit. */
export interface ColumnSpec<Values> {
  readonly type: ColumnType;
  readonly description: string;
  /** Defaults to the metric's key. */
  readonly name?: string;
  /** Defaults to the value under the metric's key. */
  readonly read?: (values: Values) => Scalar;
}

/** The position among the metrics that are shown there; `true` puts it after those with a number. */
export type Place = true | number;

/** Where the metric is shown to people. */
export interface Shown {
  /** Its name in column headers, charts and sentences. */
  readonly title: string;
  /** Left out of a table if nothing measured it. */
  readonly isOptional?: boolean;
  /** Left out of tables of runs without batches, in which another metric has the same value. */
  readonly isOfBatches?: boolean;
  /** Left out of tables of runs in which no configuration asks for a kind of cache or a depth. */
  readonly isOfCaches?: boolean;
  /** A column of the table of results, in the terminal and on the report page. */
  readonly result?: {
    readonly place: Place;
    /** The full title. */
    readonly title: string;
    /** Header and full title in a run with batches, where the value is per row, not per batch. */
    readonly inBatches?: readonly [header: string, title: string];
    /** If a table is too wide, columns with the highest rank are dropped first; those with 0 are always kept. */
    readonly dropRank: number;
    /** Defaults to the format of its unit. */
    readonly format?: (value: number) => string;
  };
  /** Shown in lists of runs (`list --json`) and on the page of a run in progress. */
  readonly list?: true;
  /** Its place where many runs are followed: `history`, its charts, `--fail-on`. */
  readonly history?: Place;
  /** Its place where runs are compared: `compare`. */
  readonly compare?: Place;
  /** Sent to MLflow: for a trial metric each trial's value as a step, and the median if summary.json has it; otherwise once. */
  readonly mlflow?: true;
}

interface MetricBase {
  /** Its name in records, summary.json and `--fail-on`; includes the unit. */
  readonly key: string;
  /** Null if the value is not a single kind of number. */
  readonly unit: MetricUnit | null;
  /** Null if neither is better. */
  readonly better: "lower" | "higher" | null;
  /** Its line in docs/metrics.md, as Markdown. Null if another line covers it. */
  readonly docs: string | null;
  readonly shown?: Shown;
}

/** A measurement that holds the metric if it is present, and what the metric is called in that case. */
export interface Source {
  readonly key: TrialNumberKey;
  readonly name: string;
  readonly shortName: string;
}

/** A metric of one trial, read from the measurement in its record. */
export interface TrialMetric extends MetricBase {
  readonly column?: ColumnSpec<TrialValues>;
  /**
   * Measurements that may hold the metric: the first one that any trial of a configuration has is used for all of its trials.
   * Defaults to the measurement under the metric's own key.
   */
  readonly sources?: readonly Source[];
  /** Other work on the machine affects it, so disturbed trials do not count. */
  readonly isTimed?: true;
  /** Its place among the statistics over completed trials in summary.json. */
  readonly summary?: Place;
}

/** A metric of one load of a configuration. */
export interface LoadMetric extends MetricBase {
  /**
   * The part of the records that holds it: the load, its proof, or the proof taken again after the last trial. `running` means
   * the proof taken after the last trial if there is one, else the load's.
   */
  readonly from: "load" | "proof" | "proof_after" | "running";
  /** Its key there; defaults to the metric's key. */
  readonly field?: string;
  readonly column?: Omit<ColumnSpec<never>, "read">;
  /** Its place among the load metrics in summary.json. */
  readonly summary?: Place;
  /** Whether it is counted, not measured, so that any difference is real. */
  readonly isExact?: boolean;
}

/** A metric of one scored text, compared with the reference if there is one. */
export interface TextMetric extends MetricBase {
  readonly unit: MetricUnit;
  /** Where the value is in an entry of summary.json's `quality`; its 95 % interval is beside it. */
  readonly path: readonly [key: string, field: string];
}

/**
 * Returns the metrics that have a place: first those with a number, in that order, then the others in the order of the registry.
 */
export function sortByPlace<M>(metrics: readonly M[], place: (metric: M) => Place | undefined): M[] {
  const order = (metric: M) => {
    const at = place(metric);
    return typeof at === "number" ? at : Number.MAX_SAFE_INTEGER;
  };
  return metrics.filter((metric) => place(metric) !== undefined).toSorted((a, b) => order(a) - order(b));
}
