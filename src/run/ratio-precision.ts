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

/** Level of every interval of a ratio: of a hundred comparisons of a thing with itself about one leaves out one. */
export const LEVEL = 0.99;
/** From so many loads of each on nothing is assumed of what they differ by. */
export const FEWEST_LOADS = 5;
/**
 * With fewer, whatever loads differ by: `LEVEL` would need more of them. With the looks that decide about further loads the
 * intervals still hold the truth in 95 of 100.
 */
const LEVEL_OF_FEW_LOADS = 0.96;
/**
 * No further loads for a ratio that is known so well, on the logarithm: about ±14 %. The least that is assumed of two loads
 * makes it 0.103, so that even ones with even trials are enough.
 */
const PRECISE_ENOUGH = 0.13;

/** Half the interval at `LEVEL` of a standard error of 1: Student's t; the normal distribution where the degrees are infinite. */
export function quantileOf(degreesOfFreedom: number): number {
  if (degreesOfFreedom === Number.POSITIVE_INFINITY) return 2.5758293035489;
  return studentTQuantile((1 + LEVEL) / 2, degreesOfFreedom);
}

/**
 * Half an interval of the logarithm of two configurations' ratio, as far as loads cause it: Student's t, as both have so many loads
 * and the spread is of both.
 */
export function computeHalfOfSpread(spread: number, loads: number): number {
  const level = loads < FEWEST_LOADS ? LEVEL_OF_FEW_LOADS : LEVEL;
  return studentTQuantile((1 + level) / 2, 2 * (loads - 1)) * spread * Math.sqrt(2 / loads);
}

/** Half the interval of the mean of loads' ratios, by what these logarithms differ by. */
export function computeHalfOfRatios(ratios: readonly number[]): number {
  const standardError = Math.sqrt(computeVariance(ratios) / ratios.length);
  // Rounding leaves a spread of about 1e-16 where all values are the same.
  return standardError < 1e-12 ? 0 : quantileOf(ratios.length - 1) * standardError;
}

/** `computeHalfOfSpread` of what is assumed of few loads, `spread` of one load. */
export function computeHalfOfAssumed(spread: number, loads: number): number {
  return loads < FEWEST_LOADS ? quantileOf(Number.POSITIVE_INFINITY) * spread * Math.sqrt(2 / loads) : 0;
}

/**
 * By how much the ratio of two configurations is uncertain, as their own trials and loads tell it and not their difference: 0.1 is
 * ±10 %. Null where it is known well enough, or where that cannot be told: with one load of either, or one trial a load.
 */
export function findUncertainty(own: LoadLogs, reference: LoadLogs): number | null {
  const loads = Math.min(own.length, reference.length);
  const degrees = own.flat().length + reference.flat().length - own.length - reference.length;
  if (loads < 2 || degrees < 1) return null;
  const variance = computeVarianceOfMean(own) + computeVarianceOfMean(reference);
  const ofTrials = quantileOf(degrees) * Math.sqrt(variance);
  const ofLoads = Math.max(
    computeHalfOfSpread(computeLoadSpread([own, reference]), loads),
    computeHalfOfAssumed(LOAD_SPREAD, loads),
  );
  const half = Math.min(Math.hypot(ofTrials, ofLoads), halfOfManyLoads(own, reference));
  return half > PRECISE_ENOUGH ? Math.expm1(half) : null;
}

/** By the spread of the loads' ratios, not by these; infinite where there are few, or where loads have no counterpart. */
function halfOfManyLoads(own: LoadLogs, reference: LoadLogs): number {
  if (own.length < FEWEST_LOADS || own.length !== reference.length) return Number.POSITIVE_INFINITY;
  return computeHalfOfRatios(
    own.map((load, index) => computeMean(load) - computeMean(reference[index] ?? [])),
  );
}
