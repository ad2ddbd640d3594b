/** What is followed over runs: the metrics of the registry that have a place in history. */
import { studentTQuantile } from "../../base/statistics.js";
import { memoryName } from "../../metrics/memory.js";
import { type LoadMetric, sortByPlace, type TextMetric, type TrialMetric } from "../../metrics/metric.js";
import {
  type LoadSummaryKey,
  loadMetrics,
  readTextValue,
  type SummaryKey,
  type TextValue,
  textMetrics,
  trialMetrics,
} from "../../metrics/registry.js";
import { type MetricUnit, UNITS } from "../../metrics/units.js";
import type { ConfigurationValues } from "./run-values.js";

/** What one run says of one metric; `low` and `high` are null where there is nothing of the kind. */
export interface HistoryValue extends TextValue {
  /** The run's own 95 % interval of the value; null where the value stands for itself, as what is counted does. */
  readonly own: readonly [low: number, high: number] | null;
  /** Other work on the machine decided it. */
  readonly isDisturbed: boolean;
}

export interface HistoryMetric {
  /** As `--fail-on` names it: a key of summary.json or a column of quality.csv. */
  readonly key: string;
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly unit: MetricUnit;
  /** What `low` and `high` of its values are: the lowest and highest trial, or the 95 % interval. */
  readonly spread: "trials" | "ci95" | null;
  /** Counted, not measured: any difference is one. */
  readonly isExact: boolean;
  readonly format: (value: number) => string;
  /** `textId` is null for what is not of a text. */
  readonly readValue: (configuration: ConfigurationValues, textId: string | null) => HistoryValue | null;
  readonly isOfText: boolean;
  /** What the value is of, where that may change under one name; the series then begins anew. */
  readonly describeKind: (configuration: ConfigurationValues) => string;
}

type Own = Pick<HistoryMetric, "spread" | "readValue"> & Partial<HistoryMetric>;
type Placed = readonly [metric: TrialMetric | LoadMetric | TextMetric, own: Own];

function trialEntry(metric: TrialMetric): Placed {
  const readValue = (configuration: ConfigurationValues) => {
    const own = configuration[metric.key as SummaryKey];
    if (own === null) return null;
    const { trials_completed, trials_disturbed } = configuration;
    return {
      value: own.median,
      low: own.min,
      high: own.max,
      // A process fixes its memory: its trials tell one figure again and again.
      own: metric.sources === undefined ? estimateOwn(own) : null,
      isDisturbed: metric.isTimed === true && trials_disturbed > 0 && trials_disturbed === trials_completed,
    };
  };
  const kind = ({ memory_metric }: ConfigurationValues) => memoryName(memory_metric);
  return [
    metric,
    { spread: "trials", readValue, ...(metric.sources === undefined ? {} : { describeKind: kind }) },
  ];
}

/** By Student's t over the run's trials; null for a single one. */
function estimateOwn({
  n,
  median,
  sd,
}: {
  readonly n: number;
  readonly median: number;
  readonly sd: number | null;
}): HistoryValue["own"] {
  if (sd === null || n < 2) return null;
  const half = (studentTQuantile(0.975, n - 1) * sd) / Math.sqrt(n);
  return [median - half, median + half];
}

function loadEntry(metric: LoadMetric): Placed {
  const readValue = (configuration: ConfigurationValues) => {
    const value = configuration[metric.key as LoadSummaryKey];
    return value === null ? null : { value, low: null, high: null, own: null, isDisturbed: false };
  };
  return [metric, { spread: null, readValue, isExact: metric.isExact ?? false }];
}

function textEntry(metric: TextMetric): Placed {
  const readValue: HistoryMetric["readValue"] = ({ quality }, textId) => {
    const text = readTextValue(
      metric,
      quality.find(({ text_id }) => text_id === textId),
    );
    if (text === null) return null;
    const { low, high } = text;
    return { ...text, own: low === null || high === null ? null : [low, high], isDisturbed: false };
  };
  return [metric, { spread: "ci95", readValue, isOfText: true }];
}

function historyMetric([{ key, unit, better, shown }, own]: Placed): HistoryMetric {
  if (unit === null || better === null || shown === undefined) {
    throw new TypeError(`${key} has a place in history and no unit, direction or title`);
  }
  const { format } = UNITS[unit];
  const usual = { isExact: false, isOfText: false, describeKind: () => "" };
  return { ...usual, key, title: shown.title, better, unit, format, ...own };
}

/** In the order in which they are shown. */
export const HISTORY_METRICS: readonly HistoryMetric[] = sortByPlace(
  [...trialMetrics.map(trialEntry), ...loadMetrics.map(loadEntry), ...textMetrics.map(textEntry)],
  ([{ shown }]) => shown?.history,
).map(historyMetric);
