/** What is compared, value by value: one entry a metric. */
import { computeStatistics, type Statistics } from "../../base/statistics.js";
import { formatBytes, formatSeconds } from "../../base/units.js";
import type { RecordedTrial } from "../../run/record-types.js";
import { type ConfigurationData, completedTrials } from "../../run/run-data.js";
import { type PairedRatio, pairedRatio } from "../bootstrap.js";
import { chooseMemoryMetric, type MemoryMetric, memoryName } from "../memory-metric.js";
import { computePerplexity, computePerplexityRatio, findQualityMeasurement } from "../quality.js";
import type { Side } from "./sides.js";

export interface MetricValue {
  readonly value: number;
  readonly ci95_low: number | null;
  readonly ci95_high: number | null;
}

export interface MetricRatio {
  /** This ÷ baseline. */
  readonly ratio: number;
  readonly ci95_low: number | null;
  readonly ci95_high: number | null;
  /** Pairs of trials or of tokens; null for what is exact, not measured. */
  readonly pairs: number | null;
  /** For the verdict; null for what is not paired by trial. */
  readonly paired: PairedRatio | null;
}

export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly format: (value: number) => string;
  readonly readValue: (side: Side) => MetricValue | null;
  readonly computeRatio: (side: Side, baseline: Side) => MetricRatio | null;
}

const rate = (value: number) => value.toFixed(value < 10 ? 2 : 1);

/** The metrics that both kinds of memory and the texts of these sides allow. */
export function metricsFor(sides: readonly Side[]): readonly Metric[] {
  const texts = [
    ...new Set(sides.flatMap(({ configuration }) => configuration.quality.map((one) => one.text_id))),
  ];
  const kinds = [...new Set(sides.map(chooseSideMemory))];
  const [memory] = kinds;
  return [
    {
      key: "weights_bytes",
      title: "weights",
      better: "lower",
      format: formatBytes,
      readValue: ({ configuration }) => toExactValue(configuration.load?.load.proof.weights_bytes),
      computeRatio: (side, baseline) => {
        const [own, its] = [side, baseline].map(
          ({ configuration }) => configuration.load?.load.proof.weights_bytes,
        );
        if (own === undefined || its === undefined || its === 0) return null;
        return { ratio: own / its, ci95_low: null, ci95_high: null, pairs: null, paired: null };
      },
    },
    ...(kinds.length === 1 && memory != null
      ? [trialMetric("peak_memory_bytes", memoryName(memory), "lower", formatBytes, (m) => m[memory])]
      : []),
    trialMetric("elapsed_sec", "time", "lower", formatSeconds, (m) => m.elapsed_sec),
    trialMetric("ttft_sec", "TTFT", "lower", formatSeconds, (m) => m.ttft_sec),
    trialMetric("decode_tokens_per_sec", "tokens/s", "higher", rate, (m) => m.decode_tokens_per_sec),
    ...texts.map((text) => perplexityMetric(text)),
  ];
}

function chooseSideMemory({ configuration }: Side): MemoryMetric | null {
  return chooseMemoryMetric(completedTrials(configuration).map(({ measurement }) => measurement));
}

function toExactValue(value: number | undefined): MetricValue | null {
  return value === undefined ? null : { value, ci95_low: null, ci95_high: null };
}

function trialMetric(
  key: string,
  title: string,
  better: Metric["better"],
  format: Metric["format"],
  of: (measurement: RecordedTrial) => number | null,
): Metric {
  return {
    key,
    title,
    better,
    format,
    readValue: ({ configuration }) => toMeanValue(computeStatistics(listValues(configuration, of))),
    computeRatio: (side, baseline) => {
      const paired = pairedRatio(pairValues(side, baseline, of));
      if (paired === null) return null;
      const { ratio, ci95, pairs } = paired;
      return { ratio, ci95_low: ci95?.[0] ?? null, ci95_high: ci95?.[1] ?? null, pairs, paired };
    },
  };
}

function listValues(
  configuration: ConfigurationData,
  of: (measurement: RecordedTrial) => number | null,
): number[] {
  return completedTrials(configuration).flatMap(({ measurement }) => of(measurement) ?? []);
}

function toMeanValue(statistics: Statistics | null): MetricValue | null {
  if (statistics === null) return null;
  const { mean, ci95_low, ci95_high } = statistics;
  return { value: mean, ci95_low, ci95_high };
}

/** Across runs the same prompt is the same text, whatever its place; the same repeat is the same number. */
export function trialPairs(
  side: Side,
  baseline: Side,
): (readonly [own: RecordedTrial, baseline: RecordedTrial])[] {
  const before = new Map(keyedTrials(baseline));
  return keyedTrials(side).flatMap(([key, own]) => {
    const other = before.get(key);
    return other === undefined ? [] : [[own, other] as const];
  });
}

function keyedTrials({ data, configuration }: Side): (readonly [key: string, measurement: RecordedTrial])[] {
  const prompts = new Map(data.run.prompts.map(({ prompt_index, prompt }) => [prompt_index, prompt]));
  return completedTrials(configuration).map(
    ({ repeat, prompt_index, measurement }) =>
      [`${repeat}\0${prompts.get(prompt_index) ?? ""}`, measurement] as const,
  );
}

function pairValues(
  side: Side,
  baseline: Side,
  of: (measurement: RecordedTrial) => number | null,
): (readonly [own: number, baseline: number])[] {
  return trialPairs(side, baseline).flatMap(([mine, theirs]) => {
    const [own, other] = [of(mine), of(theirs)];
    return own === null || other === null ? [] : [[own, other] as const];
  });
}

function perplexityMetric(text: string): Metric {
  return {
    key: `perplexity_${text}`,
    title: `perplexity ${text}`,
    better: "lower",
    format: (value) => value.toFixed(2),
    readValue: ({ configuration }) => {
      const measurement = findQualityMeasurement(configuration, text);
      return measurement === null ? null : computePerplexity(measurement);
    },
    computeRatio: (side, baseline) => {
      const own = findQualityMeasurement(side.configuration, text);
      const ratio =
        own === null
          ? null
          : computePerplexityRatio(own, findQualityMeasurement(baseline.configuration, text));
      if (own === null || ratio === null) return null;
      const { value, ci95_low, ci95_high } = ratio;
      return { ratio: value, ci95_low, ci95_high, pairs: own.token_nll.length, paired: null };
    },
  };
}
