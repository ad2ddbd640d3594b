/** Where the level of a series changed: seeded binary segmentation, each change tested by permutation. */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { randomBelow } from "../../base/statistics.js";
import { type Interval, seededIntervals } from "./seeded-intervals.js";
import { winsorized } from "./winsorize.js";

export const CHANGE_TEST = {
  /** Of a hundred series of pure noise about one is said to have changed. */
  alpha: 0.01,
  permutations: 999,
  /** Permutations without one as clear that settle it sooner: most real changes are far clearer than any of them. */
  permutations_without_one: 199,
  /** A level is at least so many runs: two slow nights are two slow nights. */
  fewest_runs_a_level: 3,
  /** With fewer, no arrangement is rare enough to tell a change from noise. */
  fewest_runs: 10,
  seed: 20_261_124,
} as const;

export interface ChangePoint {
  /** Of the first value of the new level. */
  readonly index: number;
  /** Share of the permutations in which a change at least as clear was found. */
  readonly p_value: number;
}

export type ChangeTest = { readonly [K in keyof typeof CHANGE_TEST]: number };

/** In order of time; none with fewer than `fewest_runs` values. The same values give the same changes. */
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

/** The clearest change of a segment, or null where it is no clearer than those of its permutations. */
function testSegment(scores: Float64Array, test: ChangeTest, random: RandomGenerator): ChangePoint | null {
  if (scores.length < test.fewest_runs) return null;
  const shortest = 2 * test.fewest_runs_a_level;
  const intervals = seededIntervals(scores.length, shortest);
  const seen = new ChangeSearch(intervals, test.fewest_runs_a_level).clearest(scores);
  if (seen.contrast <= 0) return null;
  const most = Math.floor(test.alpha * (test.permutations + 1)) - 1;
  const shuffled = scores.slice();
  // Equal within rounding is equal: sums of the same values in another order differ in their last bits.
  const asClearAs = seen.contrast * (1 - 1e-9);
  // Two means differ by the range at most, and weigh most in the middle: shorter intervals cannot hold as clear a change.
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

/** The greatest difference between the means of two neighbouring stretches, in units of its own standard error. */
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

  /** Sums of the first k values, of values less their mean: so that a constant series has no change by rounding. */
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

/** Each change where it is clearest between its neighbours: the stretch in which it was found may have held another one. */
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

/** Finds the clearest split of stretches of one length, many times over. */
export class SplitSearch {
  readonly #search: ChangeSearch;

  constructor(length: number, fewest: number) {
    this.#search = new ChangeSearch([{ from: 0, to: length }], fewest);
  }

  /** Index of the first value after it; null where the stretch is too short or has no change. */
  clearest(stretch: Float64Array): number | null {
    const { index, contrast } = this.#search.clearest(stretch);
    return contrast > 0 ? index : null;
  }
}
