/** What is followed over runs: one entry a metric. */
import { formatBytes, formatSeconds } from "../../base/units.js";
import { memoryName } from "../memory-metric.js";
import { natsText } from "../quality-text.js";
import type { ConfigurationValues } from "./run-values.js";

export type MetricUnit = "seconds" | "bytes" | "tokens a second" | "ratio" | "nats" | "share";

/** What one run says of one metric. */
export interface HistoryValue {
  readonly value: number;
  /** `trials`: lowest and highest trial; `ci95`: the 95 % interval; null where there is nothing of the kind. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface HistoryMetric {
  /** As `--fail-on` names it: a key of summary.json or a column of quality.csv. */
  readonly key: string;
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly unit: MetricUnit;
  /** What `low` and `high` of its values are. */
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

type StatisticsKey = "elapsed_sec" | "ttft_sec" | "decode_tokens_per_sec" | "peak_memory_bytes";

const defaults = { isExact: false, isOfText: false, describeKind: () => "" } as const;

function trialMetric(
  key: StatisticsKey,
  rest: Pick<HistoryMetric, "title" | "better" | "unit" | "format">,
): HistoryMetric {
  return {
    ...defaults,
    ...rest,
    key,
    spread: "trials",
    readValue: (configuration) => {
      const statistics = configuration[key];
      return statistics === null
        ? null
        : { value: statistics.median, low: statistics.min, high: statistics.max };
    },
  };
}

function loadMetric(
  key: "load_sec" | "weights_bytes",
  rest: Pick<HistoryMetric, "title" | "unit" | "format" | "isExact">,
): HistoryMetric {
  return {
    ...defaults,
    ...rest,
    key,
    better: "lower",
    spread: null,
    readValue: (configuration) => {
      const value = configuration[key];
      return value === null ? null : { value, low: null, high: null };
    },
  };
}

type TextValues = ConfigurationValues["quality"][number];

function textMetric(
  key: string,
  rest: Pick<HistoryMetric, "title" | "better" | "unit" | "format">,
  readValue: (text: TextValues) => HistoryValue | null,
): HistoryMetric {
  return {
    ...defaults,
    ...rest,
    key,
    isOfText: true,
    spread: "ci95",
    readValue: ({ quality }, textId) => {
      const text = quality.find(({ text_id }) => text_id === textId);
      return text === undefined ? null : readValue(text);
    },
  };
}

const rate = (value: number) => value.toFixed(value < 10 ? 2 : 1);
const withInterval = (one: TextValues["ppl_ratio"]) =>
  one === null ? null : { value: one.value, low: one.ci95_low, high: one.ci95_high };

/** In the order in which they are shown. */
export const HISTORY_METRICS: readonly HistoryMetric[] = [
  trialMetric("decode_tokens_per_sec", {
    title: "tokens/s",
    better: "higher",
    unit: "tokens a second",
    format: rate,
  }),
  trialMetric("elapsed_sec", { title: "time", better: "lower", unit: "seconds", format: formatSeconds }),
  trialMetric("ttft_sec", { title: "TTFT", better: "lower", unit: "seconds", format: formatSeconds }),
  {
    ...trialMetric("peak_memory_bytes", {
      title: "peak memory",
      better: "lower",
      unit: "bytes",
      format: formatBytes,
    }),
    describeKind: ({ memory_metric }) => memoryName(memory_metric),
  },
  loadMetric("weights_bytes", { title: "weights", unit: "bytes", format: formatBytes, isExact: true }),
  loadMetric("load_sec", { title: "load", unit: "seconds", format: formatSeconds, isExact: false }),
  textMetric(
    "ppl_ratio",
    { title: "ppl ratio", better: "lower", unit: "ratio", format: (value) => value.toFixed(3) },
    ({ ppl_ratio }) => withInterval(ppl_ratio),
  ),
  textMetric("kl_mean_nats", { title: "KL", better: "lower", unit: "nats", format: natsText }, (text) =>
    text.kl_divergence === null
      ? null
      : {
          value: text.kl_divergence.mean,
          low: text.kl_divergence.ci95_low,
          high: text.kl_divergence.ci95_high,
        },
  ),
  textMetric(
    "top1_agreement",
    { title: "top-1", better: "higher", unit: "share", format: (value) => `${(value * 100).toFixed(1)} %` },
    ({ top1_agreement }) => withInterval(top1_agreement),
  ),
];
