/** What `falcon-exp history --json` prints (docs/history.md), with reasons not yet in words. */
import type { Reason } from "../compare/reasons.js";
import type { CHANGE_TEST } from "./change-points.js";
import type { EnvironmentDifference } from "./events.js";
import type { HistoryMetric } from "./metrics.js";
import type { NewestAgainst } from "./newest.js";
import type { HistoryRun } from "./series.js";

export const HISTORY_SCHEMA_VERSION = 1;

export interface HistoryPoint {
  /** Index into the report's runs. */
  readonly run: number;
  /** Median over the run's trials. Null if the run did not measure all of the configuration. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly status: string;
  /** 0-based. Values of different segments cannot be compared. */
  readonly segment: number;
}

export interface HistoryLevel {
  readonly from_at: string;
  readonly to_at: string;
  readonly runs: number;
  readonly median: number;
}

export interface HistoryChange {
  /** The first run of the new level. */
  readonly run_id: string;
  readonly at: string;
  /** 95 % interval of that date: the earliest and the latest run that may be the first of the new level. */
  readonly at_low: string;
  readonly at_high: string;
  readonly before: number;
  readonly after: number;
  readonly ratio: number;
  readonly ci95_low: number;
  readonly ci95_high: number;
  readonly p_value: number | null;
  readonly verdict: "better" | "worse";
  /** What changed in machine, libraries and program within that interval; a coincidence in time, no more. */
  readonly together_with: readonly EnvironmentDifference[];
}

export interface NewestValue {
  readonly run_id: string;
  readonly at: string;
  readonly value: number;
  /** False if the newest run did not measure the metric, so that this value is an older run's. */
  readonly is_of_newest_run: boolean;
  readonly is_exact: boolean;
  /** The run's own 95 % interval. Null if the value has none, such as a count. */
  readonly own_low: number | null;
  readonly own_high: number | null;
  /** Whether this is a time and other work on the machine disturbed all of its trials, so that it says nothing. */
  readonly is_disturbed: boolean;
  /** Null for the first run of a segment. */
  readonly against: NewestAgainst | null;
}

export interface HistorySeries extends Pick<HistoryMetric, "better" | "unit" | "spread"> {
  readonly configuration: string;
  readonly metric: string;
  readonly title: string;
  readonly text_id: string | null;
  readonly points: readonly HistoryPoint[];
  /** Each run at which a segment begins that cannot be compared with the one before it, and why. */
  readonly breaks: readonly {
    readonly run_id: string;
    readonly at: string;
    readonly reasons: readonly Reason[];
  }[];
  readonly levels: readonly HistoryLevel[];
  readonly changes: readonly HistoryChange[];
  /** The number of measured runs in the newest segment if they are too few to tell a change from noise, else null. */
  readonly too_few_runs: { readonly runs: number; readonly needed: number } | null;
  /** Whether a segment has figures of zero or less, which have no ratio, so that no changes are looked for in it. */
  readonly has_no_ratio: boolean;
  readonly newest: NewestValue | null;
}

/**
 * `regression` only if the figure and its whole interval are beyond the limit. For a limit on the value this is the run's own
 * interval, for a limit on the change it is the interval of one more run. `no-figure`: the newest run did not measure the metric;
 * `run` has an exit code of its own for that.
 */
export type Outcome =
  | "regression"
  | "within-limit"
  | "within-noise"
  | "too-few-runs"
  | "disturbed"
  | "no-figure";

export interface Check {
  /** As it was written. */
  readonly condition: string;
  readonly configuration: string;
  readonly metric: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** The value that was judged. Null if there is none. */
  readonly newest: NewestValue | null;
}

/** Everything in a report except what is judged. */
export interface HistoryHeader {
  readonly schema_version: typeof HISTORY_SCHEMA_VERSION;
  readonly experiment: string;
  /** In order of time. */
  readonly runs: readonly Pick<HistoryRun, "run_id" | "started_at" | "status">[];
  readonly environment_changes: readonly {
    readonly run_id: string;
    readonly at: string;
    readonly differences: readonly EnvironmentDifference[];
  }[];
  /** Seconds between scheduled runs, as given by the user. Null if not given. */
  readonly every_sec: number | null;
  /** UTC times at which a run was due and none began. */
  readonly missed_runs: readonly string[];
  /** The settings by which changes were told from noise. */
  readonly change_test: typeof CHANGE_TEST;
}

export interface HistoryReport extends HistoryHeader {
  readonly series: readonly HistorySeries[];
  readonly checks: readonly Check[];
}
