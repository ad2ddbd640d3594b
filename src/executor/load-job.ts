import type { LoadSession, Plan, PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { Fingerprints, WorkerEnvironment } from "../protocol/measurements.js";
import type { PlanProgress, SessionWork } from "../run/plan-progress.js";
import type { LibraryWarning } from "../worker/open-request.js";
import type { ImpliedFailures } from "./memory-pruning.js";

/** One load of one configuration, and what is to be measured with it. */
export interface LoadJob {
  readonly plan: Plan;
  readonly session: LoadSession;
  readonly configuration: PlanConfiguration;
  /** All trials of this load session's round; `work` says which of them are left. */
  readonly trials: readonly PlanTrial[];
  readonly work: SessionWork;
  /** The run's progress so far; it also takes in this load session's records as they are written. */
  readonly progress: PlanProgress;
  readonly environment: WorkerEnvironment;
  /** Fingerprints of this model from the run's earlier loads; null if they are unknown, or if the model may have changed. */
  readonly fingerprints: Fingerprints | null;
  /** Warnings that the worker sent while it started, to be recorded with this configuration. */
  readonly startWarnings: readonly LibraryWarning[];
  /** What is recorded as failed without being tried. */
  readonly implied: ImpliedFailures;
}
