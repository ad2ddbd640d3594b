import type { LoadSession, Plan, PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { Fingerprints, WorkerEnvironment } from "../protocol/measurements.js";
import type { PlanProgress, SessionWork } from "../run/plan-progress.js";
import type { LibraryWarning } from "../worker/open-request.js";
import type { ImpliedFailures } from "./memory-pruning.js";

/** One load of one configuration, and what is to be measured then. */
export interface LoadJob {
  readonly plan: Plan;
  readonly session: LoadSession;
  readonly configuration: PlanConfiguration;
  /** All of this load session's round; `work` says which of them are left. */
  readonly trials: readonly PlanTrial[];
  readonly work: SessionWork;
  /** Of the run so far, this load session's records included as they come. */
  readonly progress: PlanProgress;
  readonly environment: WorkerEnvironment;
  /** Of this model, as the run has measured it so far; null where that is not known, or may be another now. */
  readonly fingerprints: Fingerprints | null;
  /** What the worker said while it started, to be recorded with this configuration. */
  readonly startWarnings: readonly LibraryWarning[];
  /** What is recorded as failed without a try. */
  readonly implied: ImpliedFailures;
}
