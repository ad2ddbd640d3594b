/** What a configuration costs and saves compared with the reference, or that nobody knows. */

import type { PairedRatio } from "../../analysis/paired-ratio.js";
import { computeVerdict } from "../../analysis/significance.js";
import { pluralize } from "../../base/text.js";
import { formatBytes } from "../../base/units.js";
import { FEWEST_LOADS, FEWEST_PAIRS } from "../../run/ratio-precision.js";

interface Words {
  readonly subject: string;
  readonly less: string;
  readonly more: string;
}

/** Words for a kind of memory: "peak RSS". */
export function chooseMemoryWords(name: string): Words {
  return { subject: name, less: `less ${name}`, more: `more ${name}` };
}

export const TIME_WORDS: Words = { subject: "time", less: "faster", more: "slower" };
/** For rates, of which higher is better. */
export const BATCH_RATE_WORDS: Words = {
  subject: "tokens per second over all rows",
  less: "fewer tokens per second over all rows",
  more: "the tokens per second over all rows",
};
export const TOKEN_TIME_WORDS: Words = {
  subject: "time per token",
  less: "faster per token",
  more: "slower per token",
};

/** `1.63× slower [1.60, 1.66]`, `time within noise (0.99× [0.97, 1.02])`, `time: too few repeats (3 pairs, …)`. */
export function describeEffect(effect: PairedRatio, words: Words, smallestDifference?: number): string {
  const { ratio, interval, loads, unit } = effect;
  const verdict = computeVerdict(effect, smallestDifference);
  const range = interval === null ? `(${pluralize(loads, "load")} each)` : formatRange(interval);
  const rests = describeLoads(effect);
  switch (verdict) {
    case "less": {
      // "1.25× faster" reads better than "0.80× the time".
      const turned = interval === null ? range : formatRange([1 / interval[1], 1 / interval[0]]);
      return `${formatRatio(1 / ratio)}× ${words.less} ${turned}${rests}`;
    }
    case "more":
      return `${formatRatio(ratio)}× ${words.more} ${range}${rests}`;
    case "same":
      return interval === null
        ? `the same ${words.subject}`
        : `the same ${words.subject} (${formatRatio(ratio)}× ${range}${rests})`;
    case "within-noise":
      return `${words.subject} within noise (${formatRatio(ratio)}× ${range}${rests})`;
    default: {
      const have = unit === "load" ? `${pluralize(loads, "load")} each` : pluralize(effect.pairs, "pair");
      const [what, needed] = unit === "load" ? ["loads", FEWEST_LOADS] : ["repeats", FEWEST_PAIRS];
      return `${words.subject} ${formatRatio(ratio)}×, too few ${what} to tell (${have}, ${needed} needed)`;
    }
  }
}

/** Says if the interval rests on little: on one load each, or on loads of one configuration that are far apart. Else empty. */
function describeLoads({ unit, loads, interval, unevenLoads }: PairedRatio): string {
  if (unit === "load" || interval === null) return "";
  if (unevenLoads !== null)
    return `, loads of one configuration differ by ${(unevenLoads * 100).toFixed(0)} %`;
  return loads === 1 ? ", 1 load each" : "";
}

/** `weights 2.32× smaller (−153 MB)`; exact, so without an interval. */
export function describeWeightsRatio(own: number, reference: number): string {
  if (own === reference) return "weights of the same size";
  const difference = `${own > reference ? "+" : "−"}${formatBytes(Math.abs(own - reference))}`;
  const [times, word] = own < reference ? [reference / own, "smaller"] : [own / reference, "larger"];
  if (times.toFixed(2) === "1.00") return `weights of nearly the same size (${difference})`;
  return `weights ${times.toFixed(2)}× ${word} (${difference})`;
}

/**
 * If an interval's bounds are this many times apart, it leaves everything open: the digits of a bound far from one would mean
 * nothing.
 */
const OPEN_RATIO = 100;

/** `[0.97, 1.02]`. */
export function formatRange([low, high]: readonly [number, number]): string {
  const isOpen = high / low > OPEN_RATIO;
  const formatBound = (ratio: number) => {
    if (isOpen && ratio < 0.01) return "below 0.01";
    return isOpen && ratio > 100 ? "above 100" : formatRatio(ratio);
  };
  return `[${formatBound(low)}, ${formatBound(high)}]`;
}

/** Two digits after the point; two significant digits if the ratio is far below one. */
export function formatRatio(ratio: number): string {
  return ratio < 0.1 ? ratio.toPrecision(2) : ratio.toFixed(2);
}
