import type { Plan, PlanBlock, PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import type { BlockWork, PlanProgress } from "../run/plan-progress.js";

/** One load of one configuration, and what is to be measured then. */
export interface BlockJob {
  readonly plan: Plan;
  readonly block: PlanBlock;
  readonly configuration: PlanConfiguration;
  /** All of this block's round; `work` says which of them are left. */
  readonly trials: readonly PlanTrial[];
  readonly work: BlockWork;
  /** Of the run so far, this block's records included as they come. */
  readonly progress: PlanProgress;
  readonly environment: WorkerEnvironment;
}
