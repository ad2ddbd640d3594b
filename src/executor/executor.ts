import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { Plan } from "../plan/plan-types.js";
import type { RunEventListener } from "../run/events.js";
import type { EarlierRecords } from "../run/newest-first.js";
import type { PlanProgress } from "../run/plan-progress.js";
import type { RunEndRecord, RunFileRecord, RunRecord } from "../run/record-types.js";
import type { StopSignal } from "./stop.js";

/** Takes records. When the promise resolves, the record is appended and safe on disk. */
export interface RecordSink {
  append(record: RunFileRecord): Promise<void>;
}

/** Everything that an executor needs besides the plan; it uses no globals. */
export interface RunContext {
  readonly runId: string;
  readonly falconExpVersion: string;
  readonly controller: RunRecord["controller"];
  readonly records: RecordSink;
  /** Where the reference's log-probabilities are kept during the run. */
  readonly logprobsFolder: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly stop: StopSignal;
  readonly onEvent: RunEventListener;
}

/** The run being resumed. */
export interface EarlierWork {
  /** According to the records that exist already. */
  readonly progress: PlanProgress;
  readonly retryFailed: boolean;
  /** Whether to continue although the libraries or the machine have changed. */
  readonly acceptChanges: boolean;
}

export interface RunOptions {
  /** The run being resumed; absent for a new run. */
  readonly earlier?: EarlierWork;
  /** Earlier runs whose finished configurations may be reused instead of being measured again. */
  readonly reuse?: EarlierRecords;
}

/** Turns a frozen plan into records. Never throws because a configuration failed: the failure is recorded. */
export interface Executor {
  /** Throws FalconError `resume-environment-changed`, `results-write-failed`, `results-lost`. */
  run(plan: Plan, context: RunContext, options?: RunOptions): Promise<RunEndRecord["status"]>;
}
