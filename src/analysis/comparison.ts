import { chooseMemoryMetric, memoryName } from "../metrics/memory.js";
import type { CompletedTrial } from "../run/record-types.js";
import { type ConfigurationData, completedTrials } from "../run/run-data.js";
import { type PairedRatio, pairedRatio } from "./bootstrap.js";
import { type AnswerDivergence, answerDivergence } from "./divergence.js";
import type { QualitySummary } from "./quality.js";
import { qualityTexts } from "./quality-text.js";
import {
  computeVerdict,
  effectText,
  memoryWords,
  TIME_WORDS,
  type Verdict,
  weightsText,
} from "./significance.js";

/** A ratio over pairs of trials, this ÷ reference, and what may be said of it. */
export interface Effect {
  readonly ratio: number;
  readonly pairs: number;
  readonly ci95_low: number | null;
  readonly ci95_high: number | null;
  readonly verdict: Verdict;
}

/** One configuration beside the reference. Ratios are this ÷ reference: below 1 is less. */
export interface Comparison {
  /** Trials completed under both: the same prompt, the same repeat. */
  readonly pairs: number;
  /** Exact: bytes of weights, this ÷ reference. */
  readonly weights_ratio: number | null;
  /** Null where the two measured different kinds of memory, or none. */
  readonly memory: Effect | null;
  /** Of elapsed_sec. */
  readonly time: Effect | null;
  /** Pairs whose output tokens are the same (by hash). */
  readonly answers_equal: number;
  readonly answer_divergence: AnswerDivergence | null;
  /** What it costs and what it saves, as one would say it. */
  readonly sentence: string;
}

/** Null when the configuration is the reference itself, or when neither can be compared. */
export function compareWithReference(
  configuration: ConfigurationData,
  reference: ConfigurationData | null,
  quality: readonly QualitySummary[],
): Comparison | null {
  if (reference === null || reference === configuration) return null;
  const pairs = pairTrials(completedTrials(configuration), completedTrials(reference));
  const weights = configuration.load?.load.proof.weights_bytes ?? null;
  const referenceWeights = reference.load?.load.proof.weights_bytes ?? null;
  const haveWeights = weights !== null && referenceWeights !== null && referenceWeights > 0;
  if (pairs.length === 0 && !haveWeights) return null;
  const metric = chooseMemoryMetric(pairs.map(([own]) => own.measurement));
  const isSameMetric = metric === chooseMemoryMetric(pairs.map(([, other]) => other.measurement));
  const memory =
    metric === null || !isSameMetric
      ? null
      : pairedRatio(
          pairs.map(([own, other]) => [own.measurement[metric] ?? 0, other.measurement[metric] ?? 0]),
        );
  const time = pairedRatio(
    pairs.map(([own, other]) => [own.measurement.elapsed_sec, other.measurement.elapsed_sec]),
  );
  const equal = pairs.filter(
    ([own, other]) => own.measurement.output_ids_sha256 === other.measurement.output_ids_sha256,
  ).length;
  const divergence = answerDivergence(pairs);
  const parts = [
    ...(haveWeights ? [weightsText(weights, referenceWeights)] : []),
    ...(memory === null ? [] : [effectText(memory, memoryWords(inSentence(memoryName(metric))))]),
    ...(time === null ? [] : [effectText(time, TIME_WORDS)]),
    ...qualityTexts(quality),
    ...(pairs.length === 0 ? [] : [answersText(pairs.length, equal, divergence)]),
  ];
  return {
    pairs: pairs.length,
    weights_ratio: haveWeights ? weights / referenceWeights : null,
    memory: computeEffect(memory),
    time: computeEffect(time),
    answers_equal: equal,
    answer_divergence: divergence,
    sentence: parts.join("; "),
  };
}

export function computeEffect(measured: PairedRatio | null): Effect | null {
  if (measured === null) return null;
  const { ratio, pairs, ci95 } = measured;
  return {
    ratio,
    pairs,
    ci95_low: ci95?.[0] ?? null,
    ci95_high: ci95?.[1] ?? null,
    verdict: computeVerdict(measured),
  };
}

/** `2 of 5 answers the same, the others part at token 7 (median)`. */
function answersText(pairs: number, equal: number, divergence: AnswerDivergence | null): string {
  const text = `${equal} of ${pairs} answers the same`;
  const place = divergence?.first_difference_median ?? null;
  if (place === null) return text;
  return `${text}, the ${equal === 0 ? "answers" : "others"} part at token ${place} (median)`;
}

/** `Peak RSS` → `peak RSS`. */
function inSentence(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function pairTrials(
  own: readonly CompletedTrial[],
  reference: readonly CompletedTrial[],
): (readonly [CompletedTrial, CompletedTrial])[] {
  const byKey = new Map(reference.map((trial) => [pairKey(trial), trial]));
  return own.flatMap((trial) => {
    const other = byKey.get(pairKey(trial));
    return other === undefined ? [] : [[trial, other] as const];
  });
}

function pairKey(trial: CompletedTrial): string {
  return `${trial.prompt_index}/${trial.repeat}`;
}
