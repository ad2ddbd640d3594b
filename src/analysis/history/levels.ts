/** Levels of one segment of a series, and the changes between them with their intervals. */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { computeMedian, computeQuantile, randomBelow } from "../../base/statistics.js";
import { CHANGE_TEST, findChangePoints, SplitSearch } from "./change-points.js";
import { expandedTail } from "./expanded-tail.js";
import { winsorized } from "./winsorize.js";

/** Measured runs from index `from` (the first) to `to` (after the last) that differ only by noise. */
export interface Level {
  readonly from: number;
  readonly to: number;
  readonly median: number;
}

export interface LevelChange {
  /** Index of the first measured run of the new level. */
  readonly at: number;
  /** 95 % interval of that index, both ends included. */
  readonly at_low: number;
  readonly at_high: number;
  /** Median of the new level ÷ that of the old one. For exact values, both ends of its interval are the ratio itself. */
  readonly ratio: number;
  readonly ci95_low: number;
  readonly ci95_high: number;
  /** From the permutation test. Null for exact values, which are not tested. */
  readonly p_value: number | null;
}

export interface Levels {
  readonly levels: readonly Level[];
  readonly changes: readonly LevelChange[];
}

/** More runs than this on either side reveal nothing more about when a level changed. */
const RUNS_EACH_SIDE = 100;
const RESAMPLES = 999;

/**
 * Finds the levels of values measured one after the other, all positive. Exact values change level whenever the number changes.
 */
export function findLevels(values: readonly number[], options: { readonly isExact: boolean }): Levels {
  const found = options.isExact
    ? values.flatMap((value, index) =>
        index > 0 && value !== values[index - 1] ? [{ index, p_value: null }] : [],
      )
    : findChangePoints(values.map(Math.log));
  const starts = [0, ...found.map(({ index }) => index), values.length];
  const levels = starts.slice(0, -1).map((from, i): Level => {
    const to = starts[i + 1] ?? values.length;
    return { from, to, median: computeMedian(values.slice(from, to)) ?? 0 };
  });
  const random = xoroshiro128plus(CHANGE_TEST.seed);
  const changes = found.map(({ index, p_value }, i): LevelChange => {
    const ratio = (levels[i + 1]?.median ?? 0) / (levels[i]?.median ?? 0);
    const known = { at: index, ratio, p_value };
    if (options.isExact)
      return { ...known, at_low: index, at_high: index, ci95_low: ratio, ci95_high: ratio };
    const from = Math.max(levels[i]?.from ?? 0, index - RUNS_EACH_SIDE);
    const to = Math.min(levels[i + 1]?.to ?? values.length, index + RUNS_EACH_SIDE);
    return { ...known, ...estimateIntervals(values, { from, at: index, to }, random) };
  });
  return { levels, changes };
}

/**
 * Estimates both intervals by the bootstrap: each side is resampled from its own runs, and the change is looked for again. With
 * few runs, percentiles of the ratio are taken further out (`expandedTail`).
 */
function estimateIntervals(
  values: readonly number[],
  { from, at, to }: { readonly from: number; readonly at: number; readonly to: number },
  random: RandomGenerator,
) {
  const before = values.slice(from, at);
  const after = values.slice(at, to);
  const logs = [winsorized(before.map(Math.log)), winsorized(after.map(Math.log))] as const;
  const search = new SplitSearch(to - from, CHANGE_TEST.fewest_runs_a_level);
  const drawn = new Float64Array(to - from);
  const sorted = [new Float64Array(before.length), new Float64Array(after.length)] as const;
  const indices: number[] = [];
  const ratios: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    resample(logs[0], drawn.subarray(0, before.length), random);
    resample(logs[1], drawn.subarray(before.length), random);
    indices.push(from + (search.clearest(drawn) ?? before.length));
    resample(before, sorted[0], random);
    resample(after, sorted[1], random);
    ratios.push(medianOfSorted(sorted[1].sort()) / medianOfSorted(sorted[0].sort()));
  }
  indices.sort((a, b) => a - b);
  ratios.sort((a, b) => a - b);
  const outside = expandedTail(Math.min(before.length, after.length));
  return {
    at_low: Math.floor(computeQuantile(indices, 0.025)),
    at_high: Math.ceil(computeQuantile(indices, 0.975)),
    ci95_low: computeQuantile(ratios, outside),
    ci95_high: computeQuantile(ratios, 1 - outside),
  };
}

function resample(values: readonly number[], into: Float64Array, random: RandomGenerator): void {
  for (let i = 0; i < into.length; i++) into[i] = values[randomBelow(random, values.length)] ?? 0;
}

/** Takes a typed array, because `sort` orders it by number, and many times faster than a plain one. */
function medianOfSorted(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}
