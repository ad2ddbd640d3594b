/** Trials that were far too slow for their configuration. */
import { computeMedian } from "../base/statistics.js";
import type { CompletedTrial } from "../run/record-types.js";

/** Modified Z-score from which a sample is an outlier: ten standard deviations of a normal distribution, as hyperfine has it. */
const OUTLIER_Z = 10;
/** MAD × this estimates the standard deviation of normal samples. */
const MAD_TO_SD = 1.4826;
/** With fewer samples the spread says too little to call one of them odd. */
const FEWEST_SAMPLES = 4;

/** (sample − median) ÷ (1.4826 MAD), scaled as by Iglewicz and Hoaglin. Null with too few samples, or no spread to measure by. */
export function modifiedZScores(samples: readonly number[]): readonly number[] | null {
  const median = computeMedian(samples);
  if (median === null || samples.length < FEWEST_SAMPLES) return null;
  const mad = computeMedian(samples.map((sample) => Math.abs(sample - median)));
  if (mad === null || mad === 0) return null;
  return samples.map((sample) => (sample - median) / (MAD_TO_SD * mad));
}

export interface SlowTrials {
  /** Median seconds per output token of all trials. */
  readonly usualSec: number;
  readonly slow: readonly { readonly trialIndex: number; readonly sec: number }[];
}

/**
 * Compares the time per output token, which is similar for prompts of different lengths. Fast trials are not listed, because a
 * trial cannot be too fast.
 */
export function findSlowTrials(trials: readonly CompletedTrial[]): SlowTrials {
  const timed = trials.flatMap(({ trial_index: trialIndex, measurement: { tpot_sec: sec } }) =>
    sec === null ? [] : [{ trialIndex, sec }],
  );
  const seconds = timed.map(({ sec }) => sec);
  const scores = modifiedZScores(seconds) ?? [];
  return {
    usualSec: computeMedian(seconds) ?? 0,
    slow: timed.filter((_, index) => (scores[index] ?? 0) > OUTLIER_Z),
  };
}
