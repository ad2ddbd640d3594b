/** What loads of one and the same configuration differ by. */

/**
 * Standard deviation between loads of the same work that is assumed at least. Measured on a quiet machine (2 cores of an EPYC,
 * docs/benchmarks.md): 0.7 to 2.0 % with a model of 135 million parameters, 4.9 % with one of 5 million; where a load lies in
 * memory decides it.
 */
export const LOAD_SPREAD = 0.04;

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

/** Of the mean of all values of `groups`, as far as values of one group differ. */
export function computeVarianceOfMean(groups: LoadLogs): number {
  return computePooledVariance(groups) / groups.flat().length;
}

export function computeMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sumSquares(values: readonly number[]): number {
  const mean = computeMean(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}
