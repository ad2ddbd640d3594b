/** Decides which prompt is asked when, and which side goes first: random, balanced, and always the same for the same seed. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export interface Slot {
  readonly promptIndex: number;
  readonly measuredFirst: boolean;
}

/**
 * `pairs` slots in groups of two: in each group, each side goes first once (A B B A or B A A B), so that a drift of the
 * machine affects both alike. Prompts follow in order, beginning with number `firstPrompt`.
 */
export function makeSchedule(options: {
  readonly pairs: number;
  readonly prompts: number;
  readonly firstPrompt: number;
  readonly seed: number;
}): Slot[] {
  const { pairs, prompts, firstPrompt, seed } = options;
  const random = xoroshiro128plus(seed);
  let measuredFirst = false;
  return Array.from({ length: pairs }, (_, index) => {
    measuredFirst = index % 2 === 0 ? uniformInt(random, 0, 1) === 1 : !measuredFirst;
    return { promptIndex: (firstPrompt + index) % prompts, measuredFirst };
  });
}
