import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/**
 * 0 to `bound` - 1. Uniform but for one part in 2^32 ÷ `bound`, which no simulation of thousands of draws can tell; four times
 * as fast as the exact way, for where there are millions. `bound` is at most a million or so.
 */
export function randomBelow(random: RandomGenerator, bound: number): number {
  return Math.floor(((random.next() >>> 0) / 4_294_967_296) * bound);
}
