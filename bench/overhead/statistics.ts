/** Evaluates paired times: a ratio with its interval, and whether a limit holds. Pure. */
import { computeMedian, computeStatistics } from "../../src/base/statistics.js";

export interface RatioInterval {
  readonly ratio: number;
  /** Bounds of the 95 % interval. */
  readonly low: number;
  readonly high: number;
  /** Half of the interval's width, as a fraction of 1. */
  readonly halfWidth: number;
  readonly loads: number;
  readonly pairs: number;
}

export type Verdict = "holds" | "FAILED" | "not resolved";

/**
 * The ratio that pairs of times have in common. `logRatiosByLoad` has the log ratios of each load's pairs. A load fixes where
 * the model is in memory, and with it an advantage or disadvantage that all its pairs share. The loads are therefore the
 * sample, not the pairs: one robust middle per load, then Student's t over the loads. Null if fewer than two loads have pairs.
 */
export function computeRatioInterval(logRatiosByLoad: readonly (readonly number[])[]): RatioInterval | null {
  const measured = logRatiosByLoad.filter((load) => load.length > 0);
  const statistics = computeStatistics(measured.map(computeHodgesLehmann));
  if (statistics === null || statistics.ci95_low === null || statistics.ci95_high === null) return null;
  const low = Math.exp(statistics.ci95_low);
  const high = Math.exp(statistics.ci95_high);
  return {
    ratio: Math.exp(statistics.mean),
    low,
    high,
    halfWidth: (high - low) / 2,
    loads: measured.length,
    pairs: measured.reduce((sum, load) => sum + load.length, 0),
  };
}

/**
 * The median of all pairwise means (Hodges and Lehmann): nearly as precise as the mean if the noise is normal, and not moved
 * by a few pairs in which the machine did something else. Needs at least one value.
 */
export function computeHodgesLehmann(values: readonly number[]): number {
  const means = values.flatMap((one, index) => values.slice(index).map((other) => (one + other) / 2));
  const middle = computeMedian(means);
  if (middle === null) throw new RangeError("the middle of nothing");
  return middle;
}

/** `FAILED` only if the whole interval is above the limit; an interval wider than ± `resolution` says nothing. */
export function judgeInterval(
  interval: RatioInterval | null,
  { limit, resolution }: { readonly limit: number; readonly resolution: number },
): Verdict {
  if (interval === null || interval.halfWidth > resolution) return "not resolved";
  return interval.low > limit ? "FAILED" : "holds";
}
