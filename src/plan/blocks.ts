/** The order of running: which configuration is loaded when. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { PLAN_SCHEMA_VERSION, type PlanBlock } from "./plan-types.js";

export interface BlockOptions {
  readonly rounds: number;
  readonly seed: number;
  /** The configuration that must run before the others of the first round; null = none. */
  readonly firstId: string | null;
  /** The configuration measured at start, middle and end as well; null = none. */
  readonly sentinelId: string | null;
}

type Step = Pick<PlanBlock, "configuration_id" | "role" | "round">;

/** Every configuration once, as given. */
export function blocksInOrder(ids: readonly string[]): PlanBlock[] {
  return planBlocks(ids, { rounds: 1, seed: 0, firstId: null, sentinelId: null });
}

/**
 * One round is every configuration once. A single round runs in the order given; several run each in an order of its
 * own, drawn from the seed, so that a machine that changes slowly favours nobody. The reference comes first in the first
 * round where the others need what it leaves.
 */
export function planBlocks(ids: readonly string[], options: BlockOptions): PlanBlock[] {
  const random = xoroshiro128plus(options.seed);
  const steps: Step[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const order = options.rounds === 1 ? ids : shuffled(ids, (below) => uniformInt(random, 0, below - 1));
    const ordered = round === 0 && options.firstId !== null ? withFirst(order, options.firstId) : order;
    steps.push(...ordered.map((id): Step => ({ configuration_id: id, role: "measure", round })));
  }
  return withSentinels(steps, options.sentinelId).map((step, index) => ({
    schema_version: PLAN_SCHEMA_VERSION,
    kind: "block",
    index,
    ...step,
  }));
}

function withFirst(ids: readonly string[], first: string): string[] {
  return [first, ...ids.filter((id) => id !== first)];
}

function withSentinels(steps: readonly Step[], id: string | null): readonly Step[] {
  if (id === null) return steps;
  const sentinel = (round: number): Step => ({ configuration_id: id, role: "sentinel", round });
  const middle = Math.ceil(steps.length / 2);
  return [sentinel(0), ...steps.slice(0, middle), sentinel(1), ...steps.slice(middle), sentinel(2)];
}

/** Fisher and Yates. */
function shuffled(ids: readonly string[], randomBelow: (below: number) => number): string[] {
  const order = [...ids];
  for (let last = order.length - 1; last > 0; last--) {
    const other = randomBelow(last + 1);
    [order[last], order[other]] = [order[other] as string, order[last] as string];
  }
  return order;
}
