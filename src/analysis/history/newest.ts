/** Compares the newest run with the level before it, given how far one more run may be off by noise alone. */
import { computeMedian, studentTQuantile } from "../../base/statistics.js";
import type { Level } from "./levels.js";
import { winsorized } from "./winsorize.js";

/** Fewer runs do not show how much runs differ by noise alone. */
export const FEWEST_RUNS_BEFORE = 5;

export type NewestVerdict = "less" | "more" | "within-noise" | "too-few-runs" | "counted";

export interface NewestAgainst {
  /** The number of runs in the level that the newest run is compared with. */
  readonly runs_before: number;
  /** Their median. */
  readonly level: number;
  /** Newest ÷ level. */
  readonly ratio: number;
  /** 95 % interval, from how much the earlier runs differ from each other. Null if they are too few, and for exact metrics. */
  readonly ci95_low: number | null;
  readonly ci95_high: number | null;
  readonly verdict: NewestVerdict;
}

/**
 * Compares the newest value with the level of the runs before it. While that level is still too short to compare with, the level
 * before it is used, so that a change is reported until the new level is established. Null if there is no earlier run. Values
 * must be positive.
 */
export function newestAgainst(
  values: readonly number[],
  levels: readonly Level[],
  options: { readonly isExact: boolean },
): NewestAgainst | null {
  const newest = values.at(-1);
  if (newest === undefined || values.length < 2) return null;
  const before = options.isExact ? values.slice(-2, -1) : runsBefore(values, levels);
  const level = computeMedian(before);
  if (level === null) return null;
  const ratio = newest / level;
  const known = { runs_before: before.length, level, ratio };
  if (options.isExact) return { ...known, ci95_low: null, ci95_high: null, verdict: "counted" };
  if (before.length < FEWEST_RUNS_BEFORE) {
    return { ...known, ci95_low: null, ci95_high: null, verdict: "too-few-runs" };
  }
  const half = halfWidth(before.map(Math.log));
  const [ci95_low, ci95_high] = [ratio * Math.exp(-half), ratio * Math.exp(half)];
  const verdict = ci95_high < 1 ? "less" : ci95_low > 1 ? "more" : "within-noise";
  return { ...known, ci95_low, ci95_high, verdict };
}

function runsBefore(values: readonly number[], levels: readonly Level[]): readonly number[] {
  const last = levels.at(-1);
  const from = last?.from ?? 0;
  const isEstablished = values.length - 1 - from >= FEWEST_RUNS_BEFORE;
  const old = isEstablished ? undefined : levels.at(-2);
  return old === undefined ? values.slice(from, -1) : values.slice(old.from, old.to);
}

/**
 * Half the width of the 95 % prediction interval of one more run around the median of these, by Student's t. The variance of a
 * median is π/2 times that of a mean.
 */
function halfWidth(logs: readonly number[]): number {
  const [first = 0] = logs;
  // The first value is subtracted, so that rounding does not give a spread to values that are all the same.
  const plain = winsorized(logs).map((value) => value - first);
  const n = plain.length;
  const mean = plain.reduce((sum, value) => sum + value / n, 0);
  const variance = plain.reduce((sum, value) => sum + (value - mean) ** 2 / (n - 1), 0);
  return studentTQuantile(0.975, n - 1) * Math.sqrt(variance * (1 + Math.PI / 2 / n));
}
