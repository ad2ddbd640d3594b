/** How well the ratio of two configurations' times is known: the parts of its interval, and whether more loads are needed. */
import { studentTQuantile } from "../base/statistics.js";
import {
  computeLoadSpread,
  computeMean,
  computeVariance,
  computeVarianceOfMean,
  LOAD_SPREAD,
  type LoadLogs,
} from "./load-spread.js";

/**
 * Confidence level of every interval of a ratio: about one in a hundred comparisons of something with itself gets an interval
 * that excludes 1.
 */
export const LEVEL = 0.99;
/** With fewer pairs, the spread of the pairs is itself not known well enough. */
export const FEWEST_PAIRS = 4;
/** From this many loads of each configuration on, nothing is assumed about how much loads differ. */
export const FEWEST_LOADS = 5;
/**
 * The level used with fewer loads, because `LEVEL` would need more of them. Even though the results are looked at repeatedly to
 * decide about further loads, the intervals contain the true ratio in 95 of 100 cases, whatever loads differ by.
 */
const LEVEL_OF_FEW_LOADS = 0.96;
/**
 * A ratio whose half interval, on the logarithm, is no wider than this gets no further loads: about ±14 %. The least spread
 * that is assumed for two loads makes it 0.103, so two loads are enough if they and their trials hardly differ.
 */
const PRECISE_ENOUGH = 0.13;

/**
 * Half the interval at `LEVEL` for a standard error of 1: by Student's t, or by the normal distribution if the degrees of
 * freedom are infinite.
 */
export function quantileOf(degreesOfFreedom: number): number {
  if (degreesOfFreedom === Number.POSITIVE_INFINITY) return 2.5758293035489;
  return studentTQuantile((1 + LEVEL) / 2, degreesOfFreedom);
}

/**
 * Half the interval of the logarithm of two configurations' ratio, as far as loads cause it. Uses Student's t; both
 * configurations have `loads` loads, and `spread` is computed from both.
 */
export function computeHalfOfSpread(spread: number, loads: number): number {
  const level = loads < FEWEST_LOADS ? LEVEL_OF_FEW_LOADS : LEVEL;
  return studentTQuantile((1 + level) / 2, 2 * (loads - 1)) * spread * Math.sqrt(2 / loads);
}

/** Half the interval of the mean of the loads' ratios, by how much their logarithms differ. */
export function computeHalfOfRatios(ratios: readonly number[]): number {
  const standardError = Math.sqrt(computeVariance(ratios) / ratios.length);
  // Rounding leaves a spread of about 1e-16 if all values are the same.
  return standardError < 1e-12 ? 0 : quantileOf(ratios.length - 1) * standardError;
}

/**
 * Half the interval of the mean of `pairs` pairs in `loads` loads. `variance` is that of the mean, counting only how much pairs
 * of the same load differ.
 */
export function computeHalfOfPairs(variance: number, pairs: number, loads: number): number {
  // Rounding leaves a variance of about 1e-32 if all pairs of each load are the same.
  return variance * pairs < 1e-24 ? 0 : quantileOf(pairs - loads) * Math.sqrt(variance);
}

/**
 * Half the interval for the spread that is assumed for few loads, with `spread` as that of one load; 0 from `FEWEST_LOADS`
 * loads on.
 */
export function computeHalfOfAssumed(spread: number, loads: number): number {
  return loads < FEWEST_LOADS ? quantileOf(Number.POSITIVE_INFINITY) * spread * Math.sqrt(2 / loads) : 0;
}

/**
 * How uncertain the ratio of two configurations is, judged by their own trials and loads and not by the difference between
 * them: 0.1 is ±10 %. Null if it is known well enough, or if that cannot be told: with one load of either, or one trial per
 * load.
 */
export function findUncertainty(own: LoadLogs, reference: LoadLogs): number | null {
  const loads = Math.min(own.length, reference.length);
  const pairs = Math.min(own.flat().length, reference.flat().length);
  if (loads < 2 || pairs <= loads) return null;
  const variance = computeVarianceOfMean(own) + computeVarianceOfMean(reference);
  const ofPairs = computeHalfOfPairs(variance, pairs, loads);
  const ofLoads = Math.max(
    computeHalfOfSpread(computeLoadSpread([own, reference]), loads),
    computeHalfOfAssumed(LOAD_SPREAD, loads),
  );
  const half = Math.min(Math.hypot(ofPairs, ofLoads), halfOfManyLoads(own, reference));
  return half > PRECISE_ENOUGH ? Math.expm1(half) : null;
}

/**
 * Half the interval by how much the loads' ratios differ, whatever the ratios are; infinite if there are few loads, or if loads
 * have no counterpart.
 */
function halfOfManyLoads(own: LoadLogs, reference: LoadLogs): number {
  if (own.length < FEWEST_LOADS || own.length !== reference.length) return Number.POSITIVE_INFINITY;
  return computeHalfOfRatios(
    own.map((load, index) => computeMean(load) - computeMean(reference[index] ?? [])),
  );
}
