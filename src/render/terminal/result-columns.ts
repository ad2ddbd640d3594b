/** The columns of a run's table of results, shared by terminal and page: one row per configuration. */

import { haveBatches, haveCaches } from "../../analysis/batches.js";
import { commonMemoryMetric, type MemoryMetric, memoryName, shortMemoryName } from "../../metrics/memory.js";
import { type LoadMetric, sortByPlace, type TextMetric, type TrialMetric } from "../../metrics/metric.js";
import {
  type LoadSummaryKey,
  loadMetrics,
  readTextValue,
  type SummaryKey,
  textMetrics,
  trialMetrics,
} from "../../metrics/registry.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { DISTURBED_MARK, isDisturbed } from "../words/disturbed-mark.js";
import { formatRatio } from "../words/effects.js";
import { FORMATS } from "../words/metric-values.js";

export interface ResultColumn {
  readonly header: string;
  /** The header in full. */
  readonly title: string;
  /** The value to sort by; null if there is none. */
  readonly value: (configuration: ConfigurationSummary) => number | null;
  readonly text: (value: number, configuration: ConfigurationSummary) => string;
  /** Columns of the highest rank are dropped first if there is too little room; 0 is never dropped. */
  readonly dropRank: number;
  /** Whether other work on the machine can distort the value. */
  readonly isTimed?: boolean;
}

/** The text of a cell without a value. */
export const NOTHING = "–";

export function cellText(column: ResultColumn, configuration: ConfigurationSummary): string {
  const value = column.value(configuration);
  if (value === null) return NOTHING;
  const mark = column.isTimed === true && isDisturbed(configuration) ? `${DISTURBED_MARK} ` : "";
  return `${mark}${column.text(value, configuration)}`;
}

export function resultColumns(summary: RunSummary): readonly ResultColumn[] {
  const memory = commonMemoryMetric(summary.configurations.map(({ memory_metric }) => memory_metric));
  return [
    ...sortByPlace([...trialMetrics, ...loadMetrics], readPlace).flatMap((metric) =>
      metricColumn(metric, summary, readSummaryValue(metric.key), memory),
    ),
    {
      header: "× time",
      title: "Time of whole answers against the reference: geometric mean over pairs",
      value: (c) => readTimeRatio(c, summary),
      text: (value) => `${formatRatio(value)}×`,
      dropRank: 2,
    },
    ...qualityColumns(summary),
    ...costColumns(summary),
    {
      header: "trials",
      title: "Completed of planned trials",
      value: (c) => c.trials_completed,
      text: (value, c) => `${value}/${c.trials_planned}`,
      dropRank: 5,
    },
  ];
}

/** Empty unless the experiment says what the machine costs. */
function costColumns({ configurations }: RunSummary): readonly ResultColumn[] {
  if (configurations.every(({ cost_per_million_tokens: cost }) => cost === null)) return [];
  return [
    {
      header: "cost/M tokens",
      title:
        "Cost of a million answer tokens at the experiment's hourly price: mean and 95 % interval over trials",
      value: (c) => c.cost_per_million_tokens?.mean ?? null,
      text: (value, { cost_per_million_tokens: cost }) => {
        if (cost === null || cost.ci95_low === null || cost.ci95_high === null) return costText(value);
        // The interval of a few trials that differ a lot may reach below zero, but a cost cannot be negative.
        return `${costText(value)} [${costText(Math.max(0, cost.ci95_low))}, ${costText(cost.ci95_high)}]`;
      },
      dropRank: 2,
    },
  ];
}

/** About three significant digits, never an exponent. */
function costText(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** Null if other work disturbed the times, or if the reference answers a different number of prompts at once. */
function readTimeRatio(
  { against_reference: comparison, reference_id, batch_size }: ConfigurationSummary,
  { configurations }: RunSummary,
): number | null {
  const time = comparison?.time ?? null;
  const reference = configurations.find(({ id }) => id === reference_id);
  if (reference !== undefined && reference.batch_size !== batch_size) return null;
  return time === null || time.verdict === "disturbed" ? null : time.ratio;
}

type AnyMetric = TrialMetric | LoadMetric | TextMetric;
type ReadValue = ResultColumn["value"];

const readPlace = ({ shown }: AnyMetric) => shown?.result?.place;

/** Returns no column for a metric that has none, or for an optional metric that was not measured. */
function metricColumn(
  metric: AnyMetric,
  { configurations }: RunSummary,
  value: ReadValue,
  memory: MemoryMetric | null,
): readonly ResultColumn[] {
  const { shown, unit } = metric;
  if (shown?.result === undefined || unit === null) return [];
  const { title, dropRank, format = FORMATS[unit] } = shown.result;
  if (shown.isOptional && configurations.every((one) => value(one) === null)) return [];
  const hasBatches = haveBatches({ configurations });
  if (shown.isOfBatches && !hasBatches) return [];
  if (shown.isOfCaches && !haveCaches({ configurations })) return [];
  const { inBatches } = shown.result;
  if (hasBatches && inBatches !== undefined) {
    return [{ header: inBatches[0], title: inBatches[1], value, text: format, dropRank }];
  }
  const hasSources = "sources" in metric;
  return [
    {
      header: hasSources ? shortMemoryName(memory) : shown.title,
      title: hasSources ? `${memoryName(memory)}, ${title}` : title,
      value,
      text: format,
      dropRank,
      isTimed: "isTimed" in metric && metric.isTimed === true,
    },
  ];
}

/** The median over trials, or the one value of the load. */
function readSummaryValue(key: string): ReadValue {
  return (configuration) => {
    const value = configuration[key as SummaryKey | LoadSummaryKey];
    return typeof value === "number" ? value : (value?.median ?? null);
  };
}

/** Quality on the first text only; the quality table has every text. */
function qualityColumns(summary: RunSummary): readonly ResultColumn[] {
  if (!summary.configurations.some(({ quality }) => quality.length > 0)) return [];
  return sortByPlace(textMetrics, readPlace).flatMap((metric) =>
    metricColumn(
      metric,
      summary,
      ({ quality: [first] }) => readTextValue(metric, first)?.value ?? null,
      null,
    ),
  );
}
