/** What loads of one and the same configuration differ by, and how well a ratio of two configurations can be told then. */
import { studentTQuantile } from "../base/statistics.js";

/**
 * Standard deviation between loads of the same work that is assumed at least. Measured on a quiet machine (2 cores of an EPYC,
 * docs/benchmarks.md): 0.7 to 2.0 % with a model of 135 million parameters, 4.9 % with one of 5 million; where a load lies in
 * memory decides it.
 */
export const LOAD_SPREAD = 0.04;

/** Level of every interval of a ratio: of a hundred comparisons of a thing with itself about one leaves out one. */
export const LEVEL = 0.99;
/** From so many loads of each on nothing is assumed of what they differ by. */
export const FEWEST_LOADS = 5;
/**
 * With fewer, whatever loads differ by: `LEVEL` would need more of them. With the looks that decide about further loads the
 * intervals still hold the truth in 95 of 100.
 */
const LEVEL_OF_FEW_LOADS = 0.96;
/** No further loads for a ratio that loads make no more uncertain than this, on the logarithm: about ±10 %. */
const NARROW = 0.1;

/** Logarithms of what was measured, a list for each load of one configuration. */
export type LoadLogs = readonly (readonly number[])[];

/** Standard deviation of a load: of each configuration's own loads among themselves, beyond what the trials in them differ by. */
export function computeLoadSpread(configurations: readonly LoadLogs[]): number {
  const variances = configurations.map((loads) => {
    const ofTrials = computePooledVariance(loads) * computeMean(loads.map(({ length }) => 1 / length));
    return Math.max(0, computeVariance(loads.map(computeMean)) - ofTrials);
  });
  return Math.sqrt(computeMean(variances));
}

/**
 * Half an interval of the logarithm of two configurations' ratio, as far as loads cause it: Student's t, as both have so many loads
 * and the spread is of both.
 */
export function computeHalfOfSpread(spread: number, loads: number): number {
  const level = loads < FEWEST_LOADS ? LEVEL_OF_FEW_LOADS : LEVEL;
  return studentTQuantile((1 + level) / 2, 2 * (loads - 1)) * spread * Math.sqrt(2 / loads);
}

/** Loads of each differ by more than is always assumed, and too few of them have averaged that out. */
export function areLoadsTooFew(spread: number, loads: number): boolean {
  return spread > LOAD_SPREAD && computeHalfOfSpread(spread, loads) > NARROW;
}

/** What values of one group differ by; 0 where no group has two. */
export function computePooledVariance(groups: LoadLogs): number {
  const degrees = groups.flat().length - groups.length;
  const squares = groups.reduce((sum, group) => sum + sumSquares(group), 0);
  return degrees > 0 ? squares / degrees : 0;
}

/** Of a sample: NaN for fewer than two values. */
export function computeVariance(values: readonly number[]): number {
  return sumSquares(values) / (values.length - 1);
}

export function computeMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sumSquares(values: readonly number[]): number {
  const mean = computeMean(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}
