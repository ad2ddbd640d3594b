/** Which configurations are loaded once more, because their ratio is not known well enough yet. */
import { planFurtherSessions } from "../plan/further-rounds.js";
import { type LoadSession, type Plan, referenceIdOf } from "../plan/plan-types.js";
import type { PlanProgress } from "./plan-progress.js";
import { findUncertainty } from "./ratio-precision.js";

/** With fewer trials that nothing disturbed nothing is said of times, and more loads would not change that. */
const FEWEST_QUIET_TRIALS = 4;

export interface FurtherLoads {
  /** In the order of running. */
  readonly sessions: readonly LoadSession[];
  /** Of the ratios that led to them, the largest: 0.2 is ±20 %; 0 where none did. */
  readonly uncertainty: number;
}

/**
 * Of a further round, by the records of the rounds before it: a configuration and its reference, where their trials and loads
 * vary so much that their ratio is not known well enough. It does not look at what they are compared for: measuring until a
 * difference shows would find one.
 */
export function findFurtherLoads(plan: Plan, progress: PlanProgress, round: number): FurtherLoads {
  const needed = new Set<string>();
  let largest = 0;
  for (const configuration of plan.configurations) {
    const own = configuration.worker.id;
    const reference = referenceIdOf(configuration, plan.header);
    if (own === reference) continue;
    const ownLoads = progress.listLoadRates(own, round);
    const referenceLoads = progress.listLoadRates(reference, round);
    if (Math.min(ownLoads.flat().length, referenceLoads.flat().length) < FEWEST_QUIET_TRIALS) continue;
    const uncertainty = findUncertainty(ownLoads, referenceLoads);
    if (uncertainty === null) continue;
    for (const id of [own, reference]) needed.add(id);
    largest = Math.max(largest, uncertainty);
  }
  if (needed.size === 0) return { sessions: [], uncertainty: 0 };
  const sessions = planFurtherSessions(plan, round).filter(({ configuration_id }) =>
    needed.has(configuration_id),
  );
  return { sessions, uncertainty: largest };
}
