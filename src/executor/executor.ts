import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { Plan } from "../plan/plan-types.js";
import type { RunEventListener } from "../run/events.js";
import type { EarlierRecords } from "../run/newest-first.js";
import type { PlanProgress } from "../run/plan-progress.js";
import type { RunEndRecord, RunFileRecord, RunRecord } from "../run/record-types.js";
import type { StopSignal } from "./stop.js";

/** Where records go: appended and safe on disk when the promise resolves. */
export interface RecordSink {
  append(record: RunFileRecord): Promise<void>;
}

/** What an executor needs besides the plan; nothing is taken from globals. */
export interface RunContext {
  readonly runId: string;
  readonly falconExpVersion: string;
  readonly controller: RunRecord["controller"];
  readonly records: RecordSink;
  /** Where the reference's log-probabilities are kept while the run goes on. */
  readonly logprobsFolder: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly stop: StopSignal;
  readonly onEvent: RunEventListener;
}

/** The run being resumed. */
export interface EarlierWork {
  /** Of the records there are. */
  readonly progress: PlanProgress;
  readonly retryFailed: boolean;
  /** Whether to go on though libraries or machine are not what they were. */
  readonly acceptChanges: boolean;
}

export interface RunOptions {
  /** The run being resumed; absent for a new run. */
  readonly earlier?: EarlierWork;
  /** Runs whose finished configurations may stand for measuring them again. */
  readonly reuse?: EarlierRecords;
}

/** Turns a frozen plan into records. Never throws for what a configuration does: that is recorded. */
export interface Executor {
  /** Throws FalconError `resume-environment-changed`, `results-write-failed`, `results-lost`. */
  run(plan: Plan, context: RunContext, options?: RunOptions): Promise<RunEndRecord["status"]>;
}
