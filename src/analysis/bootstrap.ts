/** Intervals of paired ratios by the bootstrap, seeded: the same pairs give the same interval. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { computeQuantile, studentTQuantile } from "../base/statistics.js";

export const BOOTSTRAP = { resamples: 4000, seed: 20_261_124 } as const;
/** Below this the spread of the pairs is itself not known well enough. */
export const FEWEST_PAIRS = 5;

export interface PairedRatio {
  readonly pairs: number;
  /** Geometric mean of own ÷ reference. */
  readonly ratio: number;
  /** Null with fewer than `FEWEST_PAIRS` pairs. */
  readonly ci95: readonly [low: number, high: number] | null;
  /** By Student's t on the logarithms: so far out, a bootstrap of five pairs knows only that it knows nothing. */
  readonly ci99: readonly [low: number, high: number] | null;
}

/**
 * Own ÷ reference over pairs of positive values, on the logarithm, so that twice and half are equally far from one.
 * The interval is the expanded percentile interval (Hesterberg, What Teachers Should Know About the Bootstrap, 2015):
 * percentiles of the resampled means, taken so far out that few pairs are covered as Student's t covers them. Unlike a
 * studentized bootstrap it cannot run away where one of few pairs lies far out: it stays within the pairs' own range.
 * Null without pairs.
 */
export function pairedRatio(
  pairs: readonly (readonly [own: number, reference: number])[],
  options: { readonly resamples: number; readonly seed: number } = BOOTSTRAP,
): PairedRatio | null {
  const logs = pairs
    .filter(([own, reference]) => own > 0 && reference > 0)
    .map(([own, reference]) => Math.log(own / reference));
  if (logs.length === 0) return null;
  const { mean, standardError } = moments(logs);
  const known = { pairs: logs.length, ratio: Math.exp(mean) };
  if (logs.length < FEWEST_PAIRS) return { ...known, ci95: null, ci99: null };
  if (standardError === 0)
    return { ...known, ci95: [known.ratio, known.ratio], ci99: [known.ratio, known.ratio] };
  const means = resampledMeans(logs, options);
  const outside = expandedTail(logs.length);
  const half = studentTQuantile(0.995, logs.length - 1) * standardError;
  return {
    ...known,
    ci95: [Math.exp(computeQuantile(means, outside)), Math.exp(computeQuantile(means, 1 - outside))],
    ci99: [Math.exp(mean - half), Math.exp(mean + half)],
  };
}

/** Share left out on each side: Φ(−√(n ÷ (n − 1)) · t), with Student's t for 95 % and n − 1 degrees of freedom. */
export function expandedTail(n: number): number {
  return normalTail(Math.sqrt(n / (n - 1)) * studentTQuantile(0.975, n - 1));
}

/** P(Z > z) of the standard normal distribution for z ≥ 0: Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

/** Means of resamples, sorted. */
function resampledMeans(
  logs: readonly number[],
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): readonly number[] {
  const random = xoroshiro128plus(seed);
  const means: number[] = [];
  for (let i = 0; i < resamples; i++) {
    let sum = 0;
    for (let k = 0; k < logs.length; k++) sum += logs[uniformInt(random, 0, logs.length - 1)] ?? 0;
    means.push(sum / logs.length);
  }
  return means.sort((a, b) => a - b);
}

function moments(values: readonly number[]): { readonly mean: number; readonly standardError: number } {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, standardError: 0 };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  // Rounding leaves a spread of about 1e-16 where all values are the same.
  const standardError = Math.sqrt(variance / n);
  return { mean, standardError: standardError < 1e-12 ? 0 : standardError };
}
