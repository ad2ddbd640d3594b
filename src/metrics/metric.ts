/** What a metric is: one entry says what it means, how it is read, and wherever it is shown. */
import type { TrialMeasurement } from "../protocol/measurements.js";
import type { MetricUnit } from "./units.js";

export type ColumnType = "string" | "int64" | "double" | "boolean";
/** What a cell of the flat table holds. */
export type Scalar = string | number | boolean | null;

type KeysOf<T, V> = { [K in keyof T]: T[K] extends V ? K : never }[keyof T];
/** Keys of a trial's measurement that hold one value, and those that hold a number. */
export type TrialScalarKey = KeysOf<TrialMeasurement, Scalar>;
export type TrialNumberKey = KeysOf<TrialMeasurement, number | null>;
/** As much of a trial's measurement as metrics read: recorded by any version. */
export type TrialValues = Pick<TrialMeasurement, TrialScalarKey | "itl_sec">;
/** A column of the flat table (CSV, Parquet, JSON); its unit stands in its name. */
export interface ColumnSpec<Values> {
  readonly type: ColumnType;
  readonly description: string;
  /** The metric's key where it is left out. */
  readonly name?: string;
  /** The value under the metric's key where it is left out. */
  readonly read?: (values: Values) => Scalar;
}

/** A place among the metrics that are shown there; `true`: after those with a number. */
export type Place = true | number;

/** Where people meet the metric. */
export interface Shown {
  /** As a column's head, a chart and a sentence name it. */
  readonly title: string;
  /** Left out of tables where nothing measured it. */
  readonly isOptional?: boolean;
  /** Left out of tables of runs without batches, where another metric is the same. */
  readonly isOfBatches?: boolean;
  /** Left out of tables of runs in which nothing asks for a cache of some kind or depth. */
  readonly isOfCaches?: boolean;
  /** A column of the table of results, in the terminal and on the page. */
  readonly result?: {
    readonly place: Place;
    /** The title in full. */
    readonly title: string;
    /** Both titles where a run has batches: of a row, not of the batch. */
    readonly inBatches?: readonly [header: string, title: string];
    /** The highest goes first where there is no room; 0 stays. */
    readonly dropRank: number;
    /** As its unit is written where it is left out. */
    readonly format?: (value: number) => string;
  };
  /** In lists of runs (`list --json`) and on the page of a run that goes on. */
  readonly list?: true;
  /** Over many runs: `history`, its charts, `--fail-on`. */
  readonly history?: Place;
  /** Between two runs: `compare`. */
  readonly compare?: Place;
  /** Sent to MLflow: a trial's value as a step, and its median where summary.json has it; else once. */
  readonly mlflow?: true;
}

interface MetricBase {
  /** As records, summary.json and `--fail-on` name it; carries the unit. */
  readonly key: string;
  /** Null for what is no single kind of number. */
  readonly unit: MetricUnit | null;
  /** Null where neither is. */
  readonly better: "lower" | "higher" | null;
  /** The line of docs/metrics.md, in Markdown; null where another line tells it. */
  readonly docs: string | null;
  readonly shown?: Shown;
}

/** A measurement that holds a metric where it is there, and what people call the metric then. */
export interface Source {
  readonly key: TrialNumberKey;
  readonly name: string;
  readonly shortName: string;
}

/** Of one trial, from the measurement of its record. */
export interface TrialMetric extends MetricBase {
  readonly column?: ColumnSpec<TrialValues>;
  /**
   * Measurements that may hold it: the first that any trial of a configuration has is taken for all of its trials. The one
   * under the metric's own key where they are left out.
   */
  readonly sources?: readonly Source[];
  /** Other work on the machine changes it, so disturbed trials do not count. */
  readonly isTimed?: true;
  /** Statistics over the completed trials, in summary.json: its place among these. */
  readonly summary?: Place;
}

/** Of one load of a configuration. */
export interface LoadMetric extends MetricBase {
  /**
   * The part of the records that holds it: the load, its proof, the proof taken again after the last trial, or `running`:
   * the latter where it is there, else the former.
   */
  readonly from: "load" | "proof" | "proof_after" | "running";
  /** Its key there; the metric's where it is left out. */
  readonly field?: string;
  readonly column?: Omit<ColumnSpec<never>, "read">;
  /** In summary.json: its place among those of the load. */
  readonly summary?: Place;
  /** Counted, not measured: any difference is one. */
  readonly isExact?: boolean;
}

/** Of one scored text, against the reference where it has one. */
export interface TextMetric extends MetricBase {
  readonly unit: MetricUnit;
  /** Where an entry of summary.json's `quality` has the value, with its 95 % interval beside it. */
  readonly path: readonly [key: string, field: string];
}

/** Those that have the place: in the order of its numbers, then the others as they stand in the registry. */
export function sortByPlace<M>(metrics: readonly M[], place: (metric: M) => Place | undefined): M[] {
  const order = (metric: M) => {
    const at = place(metric);
    return typeof at === "number" ? at : Number.MAX_SAFE_INTEGER;
  };
  return metrics.filter((metric) => place(metric) !== undefined).toSorted((a, b) => order(a) - order(b));
}
