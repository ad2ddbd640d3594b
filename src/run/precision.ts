/** When `repeats: auto` has measured enough. */
import { studentTQuantile } from "../base/statistics.js";
import type { AutoRepeats } from "../plan/plan-types.js";
import type { RepeatsEnd } from "./record-types.js";

/** A measured rate, and the prompt on which it was measured. */
export interface RateSample {
  readonly promptIndex: number;
  readonly tokensPerSec: number;
}

/**
 * Width of the 95 % interval of the mean rate ÷ the mean, for fixed prompts: prompts may differ from each other, and only
 * differences between repeats of the same prompt are noise (the pooled variance within groups, with n − prompts degrees of
 * freedom). Null while no prompt has two samples.
 */
export function relativeWidth(samples: readonly RateSample[]): number | null {
  const groups = new Map<number, RateSample[]>();
  for (const sample of samples) {
    groups.set(sample.promptIndex, [...(groups.get(sample.promptIndex) ?? []), sample]);
  }
  const degrees = samples.length - groups.size;
  if (degrees < 1) return null;
  let squares = 0;
  for (const group of groups.values()) {
    const own = computeMean(group);
    for (const { tokensPerSec } of group) squares += (tokensPerSec - own) ** 2;
  }
  const standardError = Math.sqrt(squares / degrees / samples.length);
  const mean = computeMean(samples);
  return mean > 0 ? (2 * studentTQuantile(0.975, degrees) * standardError) / mean : null;
}

/** Called after each whole repeat of all prompts; returns null if another one should be measured. */
export function repeatsEndAfter(
  repeatsDone: number,
  samples: readonly RateSample[],
  auto: AutoRepeats,
): Exclude<RepeatsEnd, "as-planned"> | null {
  if (repeatsDone >= auto.most) return "most-reached";
  if (repeatsDone < auto.fewest) return null;
  const width = relativeWidth(samples);
  return width !== null && width <= auto.width ? "precise-enough" : null;
}

function computeMean(samples: readonly RateSample[]): number {
  return samples.reduce((sum, { tokensPerSec }) => sum + tokensPerSec, 0) / samples.length;
}
