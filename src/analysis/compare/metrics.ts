/** The values that are compared, one entry per metric. */

import { computeMedian } from "../../base/statistics.js";
import { type LoadMetric, sortByPlace, type TrialMetric } from "../../metrics/metric.js";
import {
  chooseSource,
  listSources,
  loadMetrics,
  readLoadMetric,
  trialMetrics,
} from "../../metrics/registry.js";
import type { MetricUnit } from "../../metrics/units.js";
import type { CompletedTrial, RecordedTrial } from "../../run/record-types.js";
import { type ConfigurationData, completedTrials, listLoadParts, timedTrials } from "../../run/run-data.js";
import type { Verdict } from "../../run/summary-schema.js";
import { comparePairs, computeEffect, type TrialPair } from "../comparison.js";
import { pairedRatio } from "../paired-ratio.js";
import { computePerplexity, findQualityMeasurement, listTokenDifferences } from "../quality.js";
import type { Side } from "./sides.js";

export interface MetricValue {
  /** For a trial metric the median, as in every table; for a load metric its only value; for a text its perplexity. */
  readonly value: number;
}

export interface MetricRatio {
  /** This ÷ baseline. */
  readonly ratio: number;
  readonly ci99_low: number | null;
  readonly ci99_high: number | null;
  /** The number of pairs of trials or tokens. Null for a value that is exact, not measured. */
  readonly pairs: number | null;
  /** The number of loads on each side, if a load counts as one observation, else null. */
  readonly loads: number | null;
  /** Whether it is a time that rests on only one load of each side. */
  readonly is_of_one_load: boolean;
  /** `counted`: the value is exact, so it has neither noise nor an interval. */
  readonly verdict: Verdict | "counted";
}

export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly unit: MetricUnit;
  readonly readValue: (side: Side) => MetricValue | null;
  readonly computeRatio: (side: Side, baseline: Side) => MetricRatio | null;
}

/** Returns the metrics by which these sides can be compared, given the kinds of memory and the texts that they measured. */
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

/** The fields that all compared metrics have. */
function readShown({
  key,
  better,
  unit,
  shown,
}: TrialMetric | LoadMetric): Pick<Metric, "key" | "title" | "better" | "unit"> {
  if (unit === null || better === null || shown === undefined) {
    throw new TypeError(`${key} is compared and has no unit, direction or title`);
  }
  return { key, title: shown.title, better, unit };
}

function readLoad(metric: LoadMetric, { configuration }: Side): number | null {
  return readLoadMetric(metric, listLoadParts(configuration));
}

const NO_INTERVAL = { ci99_low: null, ci99_high: null } as const;

function loadMetric(metric: LoadMetric): Metric {
  return {
    ...readShown(metric),
    readValue: (side) => {
      const value = readLoad(metric, side);
      return value === null ? null : { value };
    },
    computeRatio: (side, baseline) => {
      const [own, its] = [readLoad(metric, side), readLoad(metric, baseline)];
      if (own === null || its === null || its === 0) return null;
      return {
        ...NO_INTERVAL,
        ratio: own / its,
        pairs: null,
        loads: null,
        is_of_one_load: false,
        verdict: "counted",
      };
    },
  };
}

/** Null if the sides measured different kinds of it, or if the metric is optional and was not measured at all. */
function trialMetric(metric: TrialMetric, sides: readonly Side[]): Metric | null {
  const found = new Set(sides.map((side) => chooseSource(metric, listMeasurements(side.configuration))));
  const isMeasured = [...found].some((one) => one !== null);
  if (metric.shown?.isOptional && !isMeasured) return null;
  const [source] = metric.sources === undefined ? listSources(metric) : found.size === 1 ? found : [];
  if (source == null) return null;
  const of = (measurement: RecordedTrial) => measurement[source];
  const shown = readShown(metric);
  const name = metric.sources?.find(({ key }) => key === source)?.name;
  return {
    ...shown,
    title: name ?? shown.title,
    readValue: ({ configuration }) => toValue(computeMedian(listValues(metric, configuration, of))),
    computeRatio: (side, baseline) => {
      const unit = metric.sources === undefined ? "pair" : "load";
      const effect = comparePairs(trialPairs(side, baseline), of, {
        isTimed: metric.isTimed ?? false,
        unit,
        smallestDifference: baseline.data.run.plan.smallest_difference,
        areOfTwoRuns: side.data.run.run_id !== baseline.data.run.run_id,
      });
      if (effect === null) return null;
      const isOfOneLoad = (metric.isTimed ?? false) && effect.loads === 1;
      return { ...effect, loads: unit === "load" ? effect.loads : null, is_of_one_load: isOfOneLoad };
    },
  };
}

function toValue(value: number | null): MetricValue | null {
  return value === null ? null : { value };
}

function listMeasurements(configuration: ConfigurationData): RecordedTrial[] {
  return completedTrials(configuration).map(({ measurement }) => measurement);
}

function listValues(
  { isTimed }: TrialMetric,
  configuration: ConfigurationData,
  of: (measurement: RecordedTrial) => number | null,
): number[] {
  const trials = isTimed ? timedTrials(configuration) : completedTrials(configuration);
  return trials.flatMap(({ measurement }) => of(measurement) ?? []);
}

/**
 * Pairs trials of two runs: prompts are the same if their texts are, whatever their position, and repeats if their numbers are.
 */
export function trialPairs(side: Side, baseline: Side): TrialPair[] {
  const before = new Map(keyedTrials(baseline));
  return keyedTrials(side).flatMap(([key, own]) => {
    const other = before.get(key);
    return other === undefined ? [] : [[own, other] as const];
  });
}

function keyedTrials({ data, configuration }: Side): (readonly [key: string, trial: CompletedTrial])[] {
  const prompts = new Map(data.run.prompts.map(({ prompt_index, prompt }) => [prompt_index, prompt]));
  return completedTrials(configuration).map((trial) => [
    `${trial.repeat}\0${prompts.get(trial.prompt_index) ?? ""}`,
    trial,
  ]);
}

function perplexityMetric(text: string): Metric {
  return {
    key: `perplexity_${text}`,
    title: `perplexity ${text}`,
    better: "lower",
    unit: "perplexity",
    readValue: ({ configuration }) => {
      const measurement = findQualityMeasurement(configuration, text);
      return toValue(measurement === null ? null : (computePerplexity(measurement)?.value ?? null));
    },
    computeRatio: (side, baseline) => {
      const own = findQualityMeasurement(side.configuration, text);
      const its = findQualityMeasurement(baseline.configuration, text);
      const differences = own === null ? null : listTokenDifferences(own, its);
      if (differences === null) return null;
      const tokens = differences.map((nll) => ({ own: Math.exp(nll), reference: 1, round: 0 }));
      const effect = computeEffect(
        pairedRatio(tokens, { loadSpread: 0 }),
        baseline.data.run.plan.smallest_difference,
      );
      return effect === null ? null : { ...effect, loads: null, is_of_one_load: false };
    },
  };
}
