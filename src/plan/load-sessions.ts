/** The order of running: which configuration is loaded when. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { type LoadSession, PLAN_SCHEMA_VERSION } from "./plan-types.js";

export interface LoadSessionOptions {
  readonly rounds: number;
  readonly seed: number;
  /** For each configuration, the reference that must run before it in the first round; null if none must. */
  readonly referenceIds: ReadonlyMap<string, string> | null;
  /** The configuration that is also measured at start, middle and end; null if there is none. */
  readonly driftProbeId: string | null;
}

type Step = Pick<LoadSession, "configuration_id" | "role" | "round">;

/** Every configuration once, in the order given. */
export function planSessionsInOrder(ids: readonly string[]): LoadSession[] {
  return planLoadSessions(ids, { rounds: 1, seed: 0, referenceIds: null, driftProbeId: null });
}

/**
 * A round measures every configuration once. The first runs in the order given and the second in reverse, so that a slow change
 * of the machine favors no configuration; the third runs in an order drawn from the seed, the fourth in its reverse, and so on.
 * In the first round, a reference comes before the configurations that need what it leaves behind.
 */
export function planLoadSessions(ids: readonly string[], options: LoadSessionOptions): LoadSession[] {
  const random = xoroshiro128plus(options.seed);
  const steps: Step[] = [];
  let order = options.referenceIds === null ? ids : withReferencesFirst(ids, options.referenceIds);
  for (let round = 0; round < options.rounds; round++) {
    if (round % 2 === 1) order = order.toReversed();
    else if (round > 0) order = shuffled(ids, (below) => uniformInt(random, 0, below - 1));
    steps.push(...order.map((id): Step => ({ configuration_id: id, role: "measure", round })));
  }
  return insertDriftProbes(steps, options.driftProbeId).map((step, index) => ({
    schema_version: PLAN_SCHEMA_VERSION,
    kind: "block",
    index,
    ...step,
  }));
}

function withReferencesFirst(ids: readonly string[], references: ReadonlyMap<string, string>): string[] {
  return [...new Set(ids.flatMap((id) => [references.get(id) ?? id, id]))];
}

function insertDriftProbes(steps: readonly Step[], id: string | null): readonly Step[] {
  if (id === null) return steps;
  const driftProbe = (round: number): Step => ({ configuration_id: id, role: "sentinel", round });
  const middle = Math.ceil(steps.length / 2);
  return [driftProbe(0), ...steps.slice(0, middle), driftProbe(1), ...steps.slice(middle), driftProbe(2)];
}

/** The shuffle of Fisher and Yates. */
function shuffled(ids: readonly string[], randomBelow: (below: number) => number): string[] {
  const order = [...ids];
  for (let last = order.length - 1; last > 0; last--) {
    const other = randomBelow(last + 1);
    [order[last], order[other]] = [order[other] as string, order[last] as string];
  }
  return order;
}
