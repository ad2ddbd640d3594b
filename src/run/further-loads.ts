/** Which configurations are loaded once more, because what their loads differ by hides what they are compared for. */
import { planFurtherSessions } from "../plan/further-rounds.js";
import { type LoadSession, type Plan, referenceIdOf } from "../plan/plan-types.js";
import { areLoadsTooFew, computeLoadSpread } from "./load-spread.js";
import type { PlanProgress } from "./plan-progress.js";

/** With fewer trials that nothing disturbed nothing is said of times, and more loads would not change that. */
const FEWEST_QUIET_TRIALS = 4;

export interface FurtherLoads {
  /** In the order of running. */
  readonly sessions: readonly LoadSession[];
  /** The largest of those that led to them; 0 where none did. */
  readonly spread: number;
}

/**
 * Of a further round, by the records of the rounds before it: a configuration and its reference, where loads of one and the same
 * of the two differ by so much that more of them are needed. It does not look at what they are compared for: measuring until a
 * difference shows would find one.
 */
export function findFurtherLoads(plan: Plan, progress: PlanProgress, round: number): FurtherLoads {
  const needed = new Set<string>();
  let largest = 0;
  for (const configuration of plan.configurations) {
    const pair = [configuration.worker.id, referenceIdOf(configuration, plan.header)];
    if (pair[0] === pair[1]) continue;
    const loads = pair.map((id) => progress.listLoadRates(id, round));
    const areKnown = loads.every((one) => one.length >= 2 && one.flat().length >= FEWEST_QUIET_TRIALS);
    const spread = areKnown ? computeLoadSpread(loads) : 0;
    if (!areLoadsTooFew(spread, Math.min(...loads.map(({ length }) => length)))) continue;
    for (const id of pair) needed.add(id);
    largest = Math.max(largest, spread);
  }
  if (needed.size === 0) return { sessions: [], spread: 0 };
  const sessions = planFurtherSessions(plan, round).filter(({ configuration_id }) =>
    needed.has(configuration_id),
  );
  return { sessions, spread: largest };
}
