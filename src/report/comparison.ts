import { medianOf } from "../base/median.js";
import type { CompletedTrial } from "../results/record-types.js";
import { type ConfigurationData, completedTrials } from "../results/run-data.js";
import { memoryMetricOf } from "./memory-metric.js";

/** One configuration beside the reference. Ratios are this ÷ reference: below 1 is less. */
export interface Comparison {
  /** Trials completed under both: the same prompt, the same repeat. */
  readonly pairs: number;
  readonly weights_ratio: number | null;
  /** Median of the pairs' ratios; null where the two measured different kinds of memory. */
  readonly memory_ratio: number | null;
  /** Median of the pairs' ratios of elapsed_sec. */
  readonly time_ratio: number | null;
  /** Pairs whose output tokens are the same (by hash). */
  readonly answers_equal: number;
}

/** Null when the configuration is the reference itself, or when neither can be compared. */
export function compareWithReference(
  configuration: ConfigurationData,
  reference: ConfigurationData | null,
): Comparison | null {
  if (reference === null || reference === configuration) return null;
  const pairs = pairTrials(completedTrials(configuration), completedTrials(reference));
  const weights = configuration.load?.load.proof.weights_bytes ?? null;
  const referenceWeights = reference.load?.load.proof.weights_bytes ?? null;
  const weightsRatio = ratio(weights, referenceWeights);
  if (pairs.length === 0 && weightsRatio === null) return null;
  const metric = memoryMetricOf(pairs.map(([own]) => own.measurement));
  const isSameMetric = metric === memoryMetricOf(pairs.map(([, other]) => other.measurement));
  return {
    pairs: pairs.length,
    weights_ratio: weightsRatio,
    memory_ratio:
      metric === null || !isSameMetric
        ? null
        : medianRatio(pairs.map(([own, other]) => ratio(own.measurement[metric], other.measurement[metric]))),
    time_ratio: medianRatio(
      pairs.map(([own, other]) => ratio(own.measurement.elapsed_sec, other.measurement.elapsed_sec)),
    ),
    answers_equal: pairs.filter(
      ([own, other]) => own.measurement.output_ids_sha256 === other.measurement.output_ids_sha256,
    ).length,
  };
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

function ratio(own: number | null, reference: number | null): number | null {
  return own === null || reference === null || reference === 0 ? null : own / reference;
}

function medianRatio(ratios: readonly (number | null)[]): number | null {
  return medianOf(ratios.filter((value) => value !== null));
}
