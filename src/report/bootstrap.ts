/** Intervals of paired ratios by the studentized bootstrap, seeded: the same pairs give the same interval. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { studentTQuantile } from "../base/statistics.js";

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
 * Own ÷ reference over pairs of positive figures, on the logarithm, so that twice and half are equally far from one.
 * The interval is the bootstrap-t (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 12): each resample's
 * mean is measured in its own standard errors, which keeps its coverage where a percentile interval of few pairs is
 * too narrow. Null without pairs.
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
  const scores = studentizedScores(logs, mean, options);
  const half = studentTQuantile(0.995, logs.length - 1) * standardError;
  return {
    ...known,
    ci95: [
      Math.exp(mean - quantile(scores, 0.975) * standardError),
      Math.exp(mean - quantile(scores, 0.025) * standardError),
    ],
    ci99: [Math.exp(mean - half), Math.exp(mean + half)],
  };
}

/** (mean of the resample − mean) ÷ standard error of the resample, sorted. */
function studentizedScores(
  logs: readonly number[],
  mean: number,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): readonly number[] {
  const random = xoroshiro128plus(seed);
  const scores: number[] = [];
  const resample = new Array<number>(logs.length);
  for (let i = 0; i < resamples; i++) {
    for (let k = 0; k < logs.length; k++) resample[k] = logs[uniformInt(random, 0, logs.length - 1)] ?? 0;
    const own = moments(resample);
    // A resample of one pair again and again has no spread to measure by: it says nothing, however far it lies.
    if (own.standardError > 0) scores.push((own.mean - mean) / own.standardError);
  }
  return scores.sort((a, b) => a - b);
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

/** Linear between order statistics; 0 for an empty list, which cannot come from pairs that differ. */
function quantile(sorted: readonly number[], probability: number): number {
  const position = probability * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position - Math.floor(position));
}
