/**
 * Verdicts. `same`: the difference is too small to matter, and the interval is narrow enough to say so. `disturbed`: other work
 * on the machine affected too many of the times.
 */
import type { Verdict } from "../run/summary-schema.js";
import type { PairedRatio } from "./paired-ratio.js";

/** The smallest difference that matters, if the experiment does not set its own. */
export const SMALLEST_DIFFERENCE = 0.01;
/**
 * With few loads there is no interval. A ratio that is beyond this margin in every load still counts as a difference, because
 * loads of one configuration differ from each other by only a fraction of it.
 */
const FEW_LOADS_MARGIN = 0.05;

/** The verdict depends on one interval only, and that is the one that is shown. */
export function computeVerdict(
  { ratio, interval, unit, loadRatios }: PairedRatio,
  smallestDifference: number = SMALLEST_DIFFERENCE,
): Verdict {
  const isSmall = (one: number) => isWithin(one, smallestDifference);
  if (interval === null) {
    if (unit === "pair") return "too-few-repeats";
    if (loadRatios.every(isSmall)) return "same";
    if (loadRatios.every((one) => one < 1 && !isWithin(one, FEW_LOADS_MARGIN))) return "less";
    if (loadRatios.every((one) => one > 1 && !isWithin(one, FEW_LOADS_MARGIN))) return "more";
    return "too-few-repeats";
  }
  if (interval.every(isSmall)) return "same";
  if (interval[0] <= 1 && interval[1] >= 1) return "within-noise";
  if (isSmall(ratio)) return "same";
  return ratio < 1 ? "less" : "more";
}

/** Whether the ratio, or its inverse, is less than `difference` above one. */
function isWithin(ratio: number, difference: number): boolean {
  return Math.abs(Math.log(ratio)) < Math.log1p(difference);
}
