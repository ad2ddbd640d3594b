/** How much loads of the same configuration differ from each other. */

/**
 * The least standard deviation that is assumed between loads of the same work. Measured on a quiet machine (2 cores of an
 * EPYC, docs/benchmarks.md): 0.7 to 2.0 % with a model of 135 million parameters, 4.9 % with one of 5 million; it depends on
 * where a load is placed in memory.
 */
export const LOAD_SPREAD = 0.04;

/** Logarithms of the measured values, one list per load of a configuration. */
export type LoadLogs = readonly (readonly number[])[];

/**
 * Standard deviation between loads of the same configuration, beyond what the spread of the trials in them explains; averaged
 * over `configurations`.
 */
export function computeLoadSpread(configurations: readonly LoadLogs[]): number {
  const variances = configurations.map((loads) => {
    const ofTrials = computePooledVariance(loads) * computeMean(loads.map(({ length }) => 1 / length));
    return Math.max(0, computeVariance(loads.map(computeMean)) - ofTrials);
  });
  return Math.sqrt(computeMean(variances));
}

/** Pooled variance of the values within each group; 0 if no group has two. */
export function computePooledVariance(groups: LoadLogs): number {
  const degrees = groups.flat().length - groups.length;
  const squares = groups.reduce((sum, group) => sum + sumSquares(group), 0);
  return degrees > 0 ? squares / degrees : 0;
}

/** Sample variance; NaN for fewer than two values. */
export function computeVariance(values: readonly number[]): number {
  return sumSquares(values) / (values.length - 1);
}

/** Variance of the mean of all values of `groups`, counting only how much values within a group differ. */
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
