/** Finds where the level of a series changed: seeded binary segmentation, with a permutation test for each change. */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { randomBelow } from "../../base/statistics.js";
import { type Interval, seededIntervals } from "./seeded-intervals.js";
import { winsorized } from "./winsorize.js";

export const CHANGE_TEST = {
  /** About one in a hundred series of pure noise is reported as changed. */
  alpha: 0.01,
  permutations: 999,
  /**
   * The test ends early if none of the first so many permutations has a change as clear, because most real changes are far
   * clearer than any permutation's.
   */
  permutations_without_one: 199,
  /** The fewest runs that make a level: two slow nights are just two slow nights. */
  fewest_runs_a_level: 3,
  /** With fewer, no arrangement is rare enough to tell a change from noise. */
  fewest_runs: 10,
  seed: 20_261_124,
} as const;

export interface ChangePoint {
  /** Index of the first value of the new level. */
  readonly index: number;
  /** Share of the permutations in which a change at least as clear was found. */
  readonly p_value: number;
}

export type ChangeTest = { readonly [K in keyof typeof CHANGE_TEST]: number };

/**
 * Returns the changes in order of time; none for fewer than `fewest_runs` values. The same values always give the same changes.
 */
export function findChangePoints(
  values: readonly number[],
  test: ChangeTest = CHANGE_TEST,
): readonly ChangePoint[] {
  if (values.length < test.fewest_runs) return [];
  const scores = Float64Array.from(winsorized(values));
  const found: ChangePoint[] = [];
  const random = xoroshiro128plus(test.seed);
  const open: Interval[] = [{ from: 0, to: scores.length }];
  for (let segment = open.pop(); segment !== undefined; segment = open.pop()) {
    const change = testSegment(scores.subarray(segment.from, segment.to), test, random);
    if (change === null) continue;
    const index = segment.from + change.index;
    found.push({ ...change, index });
    open.push({ from: segment.from, to: index }, { from: index, to: segment.to });
  }
  found.sort((a, b) => a.index - b.index);
  return refined(scores, found, test.fewest_runs_a_level);
}

/**
 * Returns the clearest change of a segment. Null if the segment is too short, or if too many of its permutations have a change as
 * clear.
 */
function testSegment(scores: Float64Array, test: ChangeTest, random: RandomGenerator): ChangePoint | null {
  if (scores.length < test.fewest_runs) return null;
  const shortest = 2 * test.fewest_runs_a_level;
  const intervals = seededIntervals(scores.length, shortest);
  const seen = new ChangeSearch(intervals, test.fewest_runs_a_level).clearest(scores);
  if (seen.contrast <= 0) return null;
  const most = Math.floor(test.alpha * (test.permutations + 1)) - 1;
  const shuffled = scores.slice();
  // Allows for rounding, because sums of the same values in another order differ in their last bits.
  const asClearAs = seen.contrast * (1 - 1e-9);
  // Two means differ by at most the range, and their difference weighs most in the middle of an interval, so shorter intervals
  // cannot hold a change as clear.
  const range = computeRange(scores);
  const longEnough = intervals.filter(({ from, to }) => (range * Math.sqrt(to - from)) / 2 >= asClearAs);
  const search = new ChangeSearch(longEnough, test.fewest_runs_a_level);
  let asClear = 0;
  for (let i = 0; i < test.permutations; i++) {
    shuffle(shuffled, random);
    if (search.clearest(shuffled).contrast >= asClearAs) asClear++;
    if (asClear > most) return null;
    if (asClear === 0 && i + 1 === test.permutations_without_one)
      return { index: seen.index, p_value: 1 / (i + 2) };
  }
  return { index: seen.index, p_value: (asClear + 1) / (test.permutations + 1) };
}

function computeRange(values: Float64Array): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high - low;
}

function shuffle(values: Float64Array, random: RandomGenerator): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1);
    const kept = values[i] ?? 0;
    values[i] = values[j] ?? 0;
    values[j] = kept;
  }
}

/** Finds the largest difference between the means of two neighbouring stretches, in units of its own standard error. */
class ChangeSearch {
  readonly #weights = new Map<number, Float64Array>();
  #sums = new Float64Array(0);

  constructor(
    private readonly intervals: readonly Interval[],
    private readonly fewest: number,
  ) {
    for (const { from, to } of intervals) {
      const length = to - from;
      if (this.#weights.has(length)) continue;
      this.#weights.set(
        length,
        Float64Array.from({ length }, (_, k) => (k === 0 ? 0 : Math.sqrt(length / (k * (length - k))))),
      );
    }
  }

  clearest(values: Float64Array): { readonly index: number; readonly contrast: number } {
    const sums = this.#cumulated(values);
    let index = 0;
    let contrast = 0;
    for (const { from, to } of this.intervals) {
      const length = to - from;
      const weights = this.#weights.get(length) ?? sums;
      const start = sums[from] ?? 0;
      const mean = ((sums[to] ?? 0) - start) / length;
      for (let k = this.fewest; k <= length - this.fewest; k++) {
        const off = Math.abs((sums[from + k] ?? 0) - start - k * mean) * (weights[k] ?? 0);
        if (off > contrast) {
          contrast = off;
          index = from + k;
        }
      }
    }
    return { index, contrast };
  }

  /** Sums of the first k values, each less the very first value, so that rounding does not make a change in a constant series. */
  #cumulated(values: Float64Array): Float64Array {
    if (this.#sums.length !== values.length + 1) this.#sums = new Float64Array(values.length + 1);
    const first = values[0] ?? 0;
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      sum += (values[i] ?? 0) - first;
      this.#sums[i + 1] = sum;
    }
    return this.#sums;
  }
}

/**
 * Moves each change to where it is clearest between its neighbours, because the stretch in which it was found may have held
 * another change.
 */
function refined(
  scores: Float64Array,
  found: readonly ChangePoint[],
  fewest: number,
): readonly ChangePoint[] {
  const result: ChangePoint[] = [];
  for (const [i, change] of found.entries()) {
    const from = result.at(-1)?.index ?? 0;
    const to = found[i + 1]?.index ?? scores.length;
    const split = new SplitSearch(to - from, fewest).clearest(scores.subarray(from, to));
    result.push({ ...change, index: split === null ? change.index : from + split });
  }
  return result;
}

/** Finds the clearest split of a stretch; reusable for any number of stretches of the same length. */
export class SplitSearch {
  readonly #search: ChangeSearch;

  constructor(length: number, fewest: number) {
    this.#search = new ChangeSearch([{ from: 0, to: length }], fewest);
  }

  /** Index of the first value after the split. Null if the stretch is too short or has no change. */
  clearest(stretch: Float64Array): number | null {
    const { index, contrast } = this.#search.clearest(stretch);
    return contrast > 0 ? index : null;
  }
}
