/** The metrics that are followed over runs: those of the registry that have a place in `history`. */
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
import type { MetricUnit } from "../../metrics/units.js";
import type { ConfigurationValues } from "./run-values.js";

/** One run's value of one metric; `low` and `high` are null if the value has no spread. */
export interface HistoryValue extends TextValue {
  /** The run's own 95 % interval of the value. Null if the value has none, such as a count. */
  readonly own: readonly [low: number, high: number] | null;
  /** Whether this is a time and other work on the machine disturbed all of its trials. */
  readonly isDisturbed: boolean;
}

export interface HistoryMetric {
  /** The name in `--fail-on`: a key of summary.json or a column of quality.csv. */
  readonly key: string;
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly unit: MetricUnit;
  /** What `low` and `high` of its values are: the lowest and highest trial, or the 95 % interval. Null if it has neither. */
  readonly spread: "trials" | "ci95" | null;
  /** Whether it is counted, not measured, so that any difference is real. */
  readonly isExact: boolean;
  /** `textId` is null for a metric that does not belong to a text. */
  readonly readValue: (configuration: ConfigurationValues, textId: string | null) => HistoryValue | null;
  readonly isOfText: boolean;
  /**
   * The kind of thing that was measured, if that can differ under one name (kinds of memory), else empty. If it changes, the
   * series starts over.
   */
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
      // A process fixes its memory, so that its trials only repeat the same figure.
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

/** The 95 % interval by Student's t over the run's trials. Null for a single trial. */
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
  const usual = { isExact: false, isOfText: false, describeKind: () => "" };
  return { ...usual, key, title: shown.title, better, unit, ...own };
}

/** In the order in which they are shown. */
export const HISTORY_METRICS: readonly HistoryMetric[] = sortByPlace(
  [...trialMetrics.map(trialEntry), ...loadMetrics.map(loadEntry), ...textMetrics.map(textEntry)],
  ([{ shown }]) => shown?.history,
).map(historyMetric);
