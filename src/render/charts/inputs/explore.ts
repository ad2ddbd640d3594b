/** What the reader can plot: every metric of the registry that the run has, and everything that its experiment varies. */
import { haveBatches } from "../../../analysis/batches.js";
import { safeLine } from "../../../base/text.js";
import { BYTES_PER_GB } from "../../../base/units.js";
import {
  LOAD_SUMMARY_METRICS,
  readTextValue,
  SUMMARY_METRICS,
  textMetrics,
} from "../../../metrics/registry.js";
import type { MetricUnit } from "../../../metrics/units.js";
import type { LmEvalResult } from "../../../protocol/quality.js";
import type { ConfigurationSummary, RunSummary } from "../../../run/summary-schema.js";
import { shownLabel, shownName } from "../../words/names.js";
import type { ExploreInput, ExploreMetric } from "../explore.js";

/** The unit that axes show, and the divisor that converts a stored value to it. */
const SHOWN_UNITS: Partial<Record<MetricUnit, readonly [name: string, divisor: number]>> = {
  bytes: ["GB", BYTES_PER_GB],
  seconds: ["s", 1],
  joules: ["J", 1],
  "joules a token": ["J", 1],
  nats: ["nats", 1],
  share: ["%", 0.01],
};

interface Candidate extends ExploreMetric {
  readonly read: (configuration: ConfigurationSummary) => number | null;
}

/** Null if fewer than two configurations were measured. */
export function exploreInput(summary: RunSummary): ExploreInput | null {
  const { configurations } = summary;
  const metrics = listCandidates(summary).filter(({ read }) =>
    configurations.some((one) => read(one) !== null),
  );
  const rows = configurations.flatMap((configuration) => {
    const found = metrics.flatMap(({ key, read }): [string, number][] => {
      const value = read(configuration);
      return value === null ? [] : [[key, value]];
    });
    if (configuration.decode_tokens_per_sec === null) return [];
    const label = shownName(configuration);
    const axes = Object.entries(configuration.axes).map(([axis, value]): [string, string] => [
      axis,
      axis === "quantization" ? shownLabel(value) : safeLine(value),
    ]);
    return [
      {
        configuration: configuration.id,
        label,
        metrics: Object.fromEntries(found),
        groups: { configuration: label, ...Object.fromEntries(axes) },
      },
    ];
  });
  if (rows.length < 2) return null;
  const names = new Set(rows.flatMap(({ groups }) => Object.keys(groups)));
  const keys = new Set(metrics.map(({ key }) => key));
  const firstText = configurations.flatMap(({ quality }) => quality.map(({ text_id }) => text_id))[0];
  const kl = `kl_mean_nats:${firstText}`;
  return {
    modelName: safeLine(summary.model_name),
    metrics: metrics.map(({ key, title, better }) => ({ key, title, better })),
    groups: [...names].map((key) => ({
      key,
      title: key.replaceAll("_", " "),
      values: [...new Set(rows.flatMap(({ groups }) => groups[key as keyof typeof groups] ?? []))],
    })),
    rows,
    usual: {
      x: "weights_bytes",
      y: keys.has("batch_tokens_per_sec") ? "batch_tokens_per_sec" : "decode_tokens_per_sec",
      color: keys.has(kl) ? kl : "",
      facet: "",
    },
  };
}

function listCandidates({ configurations }: RunSummary): readonly Candidate[] {
  const hasBatches = haveBatches({ configurations });
  const trialMetrics = SUMMARY_METRICS.filter(({ shown }) => hasBatches || shown?.isOfBatches !== true);
  const texts = [...new Set(configurations.flatMap(({ quality }) => quality.map(({ text_id }) => text_id)))];
  const tasks = new Set(configurations.flatMap(({ lm_eval }) => lm_eval.map(taskName)));
  return [
    ...LOAD_SUMMARY_METRICS.flatMap((metric) => candidate(metric, (one) => one[metric.key])),
    ...trialMetrics.flatMap((metric) => candidate(metric, (one) => one[metric.key]?.median ?? null)),
    ...texts.flatMap((text) =>
      textMetrics.flatMap((metric) =>
        candidate(
          metric,
          (one) =>
            readTextValue(
              metric,
              one.quality.find(({ text_id }) => text_id === text),
            )?.value ?? null,
          text,
        ),
      ),
    ),
    ...[...tasks].map(
      (name): Candidate => ({
        key: `lm-eval:${name}`,
        title: safeLine(name),
        better: null,
        read: ({ lm_eval }) => lm_eval.find((one) => taskName(one) === name)?.value ?? null,
      }),
    ),
  ];
}

function taskName({ task, metric, filter }: LmEvalResult): string {
  return `${task} ${metric}${filter === "none" ? "" : ` ${filter}`}`;
}

interface Described {
  readonly key: string;
  readonly unit: MetricUnit | null;
  readonly better: "lower" | "higher" | null;
  readonly shown?: { readonly title: string };
}

/** Empty if the metric is never shown to people. */
function candidate(
  { key, unit, better, shown }: Described,
  read: Candidate["read"],
  text?: string,
): readonly Candidate[] {
  if (shown === undefined) return [];
  const [name, divisor] = (unit === null ? undefined : SHOWN_UNITS[unit]) ?? ["", 1];
  const on = text === undefined ? "" : ` on ${safeLine(text)}`;
  return [
    {
      key: text === undefined ? key : `${key}:${text}`,
      title: `${shown.title}${on}${name === "" ? "" : ` (${name})`}`,
      better,
      read: (one) => {
        const value = read(one);
        return value === null ? null : value / divisor;
      },
    },
  ];
}
