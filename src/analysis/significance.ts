/** Sentences that a person can repeat: what a configuration costs and saves against the reference, or that nobody knows. */
import { pluralize } from "../base/text.js";
import { formatBytes } from "../base/units.js";
import { FEWEST_PAIRS, type PairedRatio } from "./bootstrap.js";

export type Verdict = "less" | "more" | "within-noise" | "too-few-repeats";

/**
 * Less or more only where the 99 % interval leaves out one (of a hundred comparisons of a thing with itself about one is
 * then called a difference), and the 95 % interval that is shown does too: a sentence must not contradict its bracket.
 */
export function computeVerdict({ ci95, ci99 }: PairedRatio): Verdict {
  if (ci95 === null || ci99 === null) return "too-few-repeats";
  if (ci95[1] < 1 && ci99[1] < 1) return "less";
  return ci95[0] > 1 && ci99[0] > 1 ? "more" : "within-noise";
}

interface Words {
  readonly subject: string;
  readonly less: string;
  readonly more: string;
}

/** For a kind of memory: "peak RSS". */
export function memoryWords(name: string): Words {
  return { subject: name, less: `less ${name}`, more: `more ${name}` };
}

export const TIME_WORDS: Words = { subject: "time", less: "faster", more: "slower" };

/** `1.63× slower [1.60, 1.66]`, `time within noise (0.99× [0.97, 1.02])`, `time: too few repeats (3 pairs, …)`. */
export function effectText(effect: PairedRatio, words: Words): string {
  const { ratio, ci95, pairs } = effect;
  const verdict = computeVerdict(effect);
  if (ci95 === null || verdict === "too-few-repeats") {
    return `${words.subject} ${ratio.toFixed(2)}×, too few repeats to tell (${pluralize(pairs, "pair")}, ${FEWEST_PAIRS} needed)`;
  }
  if (verdict === "within-noise")
    return `${words.subject} within noise (${ratio.toFixed(2)}× ${effectRange(ci95)})`;
  // "1.25× faster" reads better than "0.80× the time".
  if (verdict === "more") return `${ratio.toFixed(2)}× ${words.more} ${effectRange(ci95)}`;
  return `${(1 / ratio).toFixed(2)}× ${words.less} ${effectRange([1 / ci95[1], 1 / ci95[0]])}`;
}

/** `weights 2.32× smaller (−153 MB)`; exact, so without an interval. */
export function weightsText(own: number, reference: number): string {
  if (own === reference) return "weights of the same size";
  const difference = `${own > reference ? "+" : "−"}${formatBytes(Math.abs(own - reference))}`;
  const [times, word] = own < reference ? [reference / own, "smaller"] : [own / reference, "larger"];
  return `weights ${times.toFixed(2)}× ${word} (${difference})`;
}

/** `[0.97, 1.02]`. */
export function effectRange([low, high]: readonly [number, number]): string {
  return `[${low.toFixed(2)}, ${high.toFixed(2)}]`;
}
