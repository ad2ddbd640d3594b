/** The sentence that a person can repeat: what a configuration costs and saves compared with the reference. */
import type { ComparisonFigures } from "../../analysis/comparison.js";
import { isMostlyUnquantized } from "../../analysis/quantized-share.js";
import type { ConfigurationFigures } from "../../analysis/summary.js";
import { pluralize } from "../../base/text.js";
import { memoryName } from "../../metrics/memory.js";
import { FEWEST_PAIRS } from "../../run/ratio-precision.js";
import {
  BATCH_RATE_WORDS,
  chooseMemoryWords,
  describeEffect,
  describeWeightsRatio,
  formatRatio,
  TIME_WORDS,
  TOKEN_TIME_WORDS,
} from "./effects.js";
import { describeQuality } from "./quality.js";
import { MOSTLY_UNQUANTIZED } from "./quantized-share.js";
import { listDisturbances } from "./remarks.js";

/** What is compared, and the smallest difference that matters. */
export interface Compared {
  readonly own: ConfigurationFigures;
  readonly reference: ConfigurationFigures;
  readonly smallestDifference: number;
}

export function describeComparison(figures: ComparisonFigures, compared: Compared): string {
  const { own, reference, smallestDifference } = compared;
  const { memory, memoryMetric } = figures.basis;
  const [weights, itsWeights] = [own.weights_bytes, reference.weights_bytes];
  const haveWeights = figures.weights_ratio !== null && weights !== null && itsWeights !== null;
  const name = memoryName(memoryMetric);
  const memoryWords = chooseMemoryWords(name.charAt(0).toLowerCase() + name.slice(1));
  const isOfSameDepth = own.depth === reference.depth;
  return [
    ...(isMostlyUnquantized(own) ? [MOSTLY_UNQUANTIZED] : []),
    ...(haveWeights ? [describeWeightsRatio(weights, itsWeights)] : []),
    ...(memory === null ? [] : [describeEffect(memory, memoryWords, smallestDifference)]),
    ...describeSpeed(figures, compared),
    ...(isOfSameDepth ? [] : [describeDepths(own.depth, reference.depth)]),
    ...describeQuality(own.quality),
    ...(isOfSameDepth && figures.pairs > 0 ? [describeAnswers(figures)] : []),
  ].join("; ");
}

/** First the speed for someone who waits for one answer, then what batches or lengths of answers make of it. */
function describeSpeed(
  figures: ComparisonFigures,
  { own, reference, smallestDifference }: Compared,
): string[] {
  const { time, perToken, batchRate, answerTokens, disturbed } = figures.basis;
  if (disturbed !== null) return [describeUnjudged(figures, listDisturbances(disturbed))];
  if (figures.judged_by === "time") {
    return time === null ? [] : [describeEffect(time, TIME_WORDS, smallestDifference)];
  }
  if (perToken === null) return [];
  const speed = describeEffect(perToken, TOKEN_TIME_WORDS, smallestDifference);
  if (own.batch_size !== reference.batch_size) {
    const rate =
      batchRate === null ? "" : `: ${describeEffect(batchRate, BATCH_RATE_WORDS, smallestDifference)}`;
    return [speed, `${pluralize(own.batch_size, "answer")} at once against ${reference.batch_size}${rate}`];
  }
  const lengths = `answers of different lengths (${answerTokens[0]} tokens against ${answerTokens[1]}, medians)`;
  const whole = time === null ? "" : `: ${formatRatio(time.ratio)}× the time for whole answers`;
  return [speed, `${lengths}${whole}`];
}

/** `time not judged: 7 of 10 pairs of trials disturbed (…); stop the other work and measure again`. */
function describeUnjudged({ pairs, pairs_disturbed: disturbed }: ComparisonFigures, causes: string): string {
  const what = `${disturbed} of ${pluralize(pairs, "pair")} of trials disturbed (${causes})`;
  const rest = pairs - disturbed < FEWEST_PAIRS ? "" : ", the others from one load only";
  return `time not judged: ${what}${rest}; stop the other work and measure again`;
}

/** `after 4,096 cached tokens, compared with none`. */
function describeDepths(own: number | null, reference: number | null): string {
  const count = (depth: number | null) => depth?.toLocaleString("en") ?? "none";
  return own === null
    ? `with an empty cache, compared with ${count(reference)} cached tokens`
    : `after ${count(own)} cached tokens, compared with ${count(reference)}`;
}

/** `2 of 5 answers the same, first difference at token 7 (median)`. */
function describeAnswers({ pairs, answers_equal, answer_divergence }: ComparisonFigures): string {
  const text = `${answers_equal} of ${pairs} answers the same`;
  const place = answer_divergence?.first_difference_median ?? null;
  return place === null ? text : `${text}, first difference at token ${place} (median)`;
}
