/** Which configurations are loaded once more, because their ratio is not known well enough yet. */
import { planFurtherSessions } from "../plan/further-rounds.js";
import { type LoadSession, type Plan, referenceIdOf } from "../plan/plan-types.js";
import type { PlanProgress } from "./plan-progress.js";
import { findUncertainty } from "./ratio-precision.js";

/** With fewer undisturbed trials there is no verdict on times, and more loads would not change that. */
const FEWEST_QUIET_TRIALS = 4;

export interface FurtherLoads {
  /** In the order of running. */
  readonly sessions: readonly LoadSession[];
  /**
   * The largest uncertainty of the ratios that made these loads necessary: 0.2 is ±20 %. Infinite if a ratio rests on one load,
   * because all trials of the other were disturbed; 0 if there are no loads.
   */
  readonly uncertainty: number;
}

/**
 * Finds the loads of a further round, judged by the records of the rounds before it: a configuration and its reference are
 * loaded again if their trials and loads vary so much that their ratio is not known well enough, or if all trials of a load were
 * disturbed. The difference between the two plays no part: measuring until a difference shows would find one.
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
    // If one load measured everything, because loads take so long, more of them are not worth it either.
    const measured = [own, reference].map((id) => progress.countMeasuredLoads(id, round));
    const isOneLoadLeft = Math.min(ownLoads.length, referenceLoads.length) < 2 && Math.min(...measured) >= 2;
    const uncertainty = isOneLoadLeft ? Number.POSITIVE_INFINITY : findUncertainty(ownLoads, referenceLoads);
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
