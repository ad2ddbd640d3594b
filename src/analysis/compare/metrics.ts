/** What is compared, value by value: one entry a metric. */
import { computeStatistics, type Statistics } from "../../base/statistics.js";
import { type LoadMetric, sortByPlace, type TrialMetric } from "../../metrics/metric.js";
import {
  chooseSource,
  listSources,
  loadMetrics,
  readLoadMetric,
  trialMetrics,
} from "../../metrics/registry.js";
import { UNITS } from "../../metrics/units.js";
import type { RecordedTrial } from "../../run/record-types.js";
import { type ConfigurationData, completedTrials, listLoadParts } from "../../run/run-data.js";
import { type PairedRatio, pairedRatio } from "../bootstrap.js";
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

/** The metrics that both kinds of memory and the texts of these sides allow. */
export function metricsFor(sides: readonly Side[]): readonly Metric[] {
  const texts = [
    ...new Set(sides.flatMap(({ configuration }) => configuration.quality.map((one) => one.text_id))),
  ];
  return [
    ...sortByPlace(
      [
        ...trialMetrics.map((metric) => [metric, () => trialMetric(metric, sides)] as const),
        ...loadMetrics.map((metric) => [metric, () => loadMetric(metric)] as const),
      ],
      ([{ shown }]) => shown?.compare,
    ).flatMap(([, make]) => make() ?? []),
    ...texts.map((text) => perplexityMetric(text)),
  ];
}

/** What every metric that is compared has. */
function describeMetric({
  key,
  better,
  unit,
  shown,
}: TrialMetric | LoadMetric): Pick<Metric, "key" | "title" | "better" | "format"> {
  if (unit === null || better === null || shown === undefined) {
    throw new TypeError(`${key} is compared and has no unit, direction or title`);
  }
  return { key, title: shown.title, better, format: UNITS[unit].format };
}

function readLoad(metric: LoadMetric, { configuration }: Side): number | null {
  return readLoadMetric(metric, listLoadParts(configuration));
}

function loadMetric(metric: LoadMetric): Metric {
  return {
    ...describeMetric(metric),
    readValue: (side) => {
      const value = readLoad(metric, side);
      return value === null ? null : { value, ci95_low: null, ci95_high: null };
    },
    computeRatio: (side, baseline) => {
      const [own, its] = [readLoad(metric, side), readLoad(metric, baseline)];
      if (own === null || its === null || its === 0) return null;
      return { ratio: own / its, ci95_low: null, ci95_high: null, pairs: null, paired: null };
    },
  };
}

/** Null where the sides measured different kinds of it, or where what may be left out was not measured at all. */
function trialMetric(metric: TrialMetric, sides: readonly Side[]): Metric | null {
  const found = new Set(sides.map((side) => chooseSource(metric, listMeasurements(side.configuration))));
  const isMeasured = [...found].some((one) => one !== null);
  if (metric.shown?.isOptional && !isMeasured) return null;
  const [source] = metric.sources === undefined ? listSources(metric) : found.size === 1 ? found : [];
  if (source == null) return null;
  const of = (measurement: RecordedTrial) => measurement[source];
  const described = describeMetric(metric);
  const name = metric.sources?.find(({ key }) => key === source)?.name;
  return {
    ...described,
    title: name ?? described.title,
    readValue: ({ configuration }) => toMeanValue(computeStatistics(listValues(configuration, of))),
    computeRatio: (side, baseline) => {
      const paired = pairedRatio(pairValues(side, baseline, of));
      if (paired === null) return null;
      const { ratio, ci95, pairs } = paired;
      return { ratio, ci95_low: ci95?.[0] ?? null, ci95_high: ci95?.[1] ?? null, pairs, paired };
    },
  };
}

function listMeasurements(configuration: ConfigurationData): RecordedTrial[] {
  return completedTrials(configuration).map(({ measurement }) => measurement);
}

function listValues(
  configuration: ConfigurationData,
  of: (measurement: RecordedTrial) => number | null,
): number[] {
  return listMeasurements(configuration).flatMap((measurement) => of(measurement) ?? []);
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
    format: UNITS.perplexity.format,
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
