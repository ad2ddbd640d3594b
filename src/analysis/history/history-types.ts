/** What `falcon-exp history --json` prints (docs/history.md). */
import type { CHANGE_TEST } from "./change-points.js";
import type { EnvironmentDifference } from "./events.js";
import type { HistoryMetric } from "./metrics.js";
import type { NewestAgainst } from "./newest.js";
import type { HistoryRun } from "./series.js";

export const HISTORY_SCHEMA_VERSION = 1;

export interface HistoryPoint {
  /** Index into the report's runs. */
  readonly run: number;
  /** Median over the run's trials; null where the run did not measure all of the configuration. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly status: string;
  /** 0-based: values of different segments cannot be compared. */
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
  /** What changed of machine, libraries and program within that interval; a coincidence in time, not more. */
  readonly together_with: readonly EnvironmentDifference[];
}

export interface NewestValue {
  readonly run_id: string;
  readonly at: string;
  readonly value: number;
  /** False where the newest run did not measure it: this is then an older one's. */
  readonly is_of_newest_run: boolean;
  readonly is_exact: boolean;
  /** The run's own 95 % interval; null where the value stands for itself. */
  readonly own_low: number | null;
  readonly own_high: number | null;
  /** Other work on the machine disturbed all its trials: a time of them says nothing. */
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
  /** Where a segment begins that cannot be compared with the one before, and why. */
  readonly breaks: readonly {
    readonly run_id: string;
    readonly at: string;
    readonly reasons: readonly string[];
  }[];
  readonly levels: readonly HistoryLevel[];
  readonly changes: readonly HistoryChange[];
  /** Measured runs of the newest segment, where they are too few to tell a change from noise. */
  readonly too_few_runs: { readonly runs: number; readonly needed: number } | null;
  /** Figures of zero or less have no ratio; changes are then not looked for. */
  readonly has_no_ratio: boolean;
  readonly newest: NewestValue | null;
}

/**
 * `regression` only where the point and all of its interval are beyond the limit: for a value the run's own, for a change
 * that of one more run. `no-figure`: the newest run did not measure
 * it; `run` itself exits with a code of its own for that.
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
  /** What was judged; null without a value. */
  readonly newest: NewestValue | null;
}

/** All of a report but what is judged. */
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
  /** Seconds between scheduled runs, as given; null where they are not. */
  readonly every_sec: number | null;
  /** UTC times at which a run was due and none began. */
  readonly missed_runs: readonly string[];
  /** How changes were told from noise. */
  readonly change_test: typeof CHANGE_TEST;
}

export interface HistoryReport extends HistoryHeader {
  readonly series: readonly HistorySeries[];
  readonly checks: readonly Check[];
}
