import type { Plan, PlanBlock, PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";

/** One load of one configuration, and what is to be measured then. */
export interface BlockJob {
  readonly plan: Plan;
  readonly block: PlanBlock;
  readonly configuration: PlanConfiguration;
  /** Of this block's round. */
  readonly trials: readonly PlanTrial[];
  readonly environment: WorkerEnvironment;
}
