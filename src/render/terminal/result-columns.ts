/** The columns of a run's table, for the terminal and for the page alike: one row a configuration. */

import { commonMemoryMetric, memoryName, shortMemoryName } from "../../analysis/memory-metric.js";
import { natsText } from "../../analysis/quality-text.js";
import type { ConfigurationSummary, RunSummary } from "../../analysis/summary.js";
import { formatBytes, formatSeconds } from "../../base/units.js";

export interface ResultColumn {
  readonly header: string;
  /** The same in full. */
  readonly title: string;
  /** What to sort by; null where there is nothing. */
  readonly value: (configuration: ConfigurationSummary) => number | null;
  readonly text: (value: number, configuration: ConfigurationSummary) => string;
  /** The highest goes first where there is no room; 0 stays. */
  readonly dropRank: number;
}

/** What stands in a cell without a value. */
export const NOTHING = "–";

export function cellText(column: ResultColumn, configuration: ConfigurationSummary): string {
  const value = column.value(configuration);
  return value === null ? NOTHING : column.text(value, configuration);
}

export function resultColumns(summary: RunSummary): readonly ResultColumn[] {
  const metric = commonMemoryMetric(summary.configurations.map(({ memory_metric }) => memory_metric));
  const ratio = (value: number) => `${value.toFixed(2)}×`;
  return [
    {
      header: "weights",
      title: "Bytes of the model's tensors",
      value: (c) => c.weights_bytes,
      text: formatBytes,
      dropRank: 0,
    },
    {
      header: shortMemoryName(metric),
      title: `${memoryName(metric)}, median over trials`,
      value: (c) => c.peak_memory_bytes?.median ?? null,
      text: formatBytes,
      dropRank: 0,
    },
    {
      header: "time",
      title: "Time of a trial, median",
      value: (c) => c.elapsed_sec?.median ?? null,
      text: formatSeconds,
      dropRank: 0,
    },
    {
      header: "tokens/s",
      title: "Tokens decoded in a second, median",
      value: (c) => c.decode_tokens_per_sec?.median ?? null,
      text: (value) => value.toFixed(1),
      dropRank: 1,
    },
    {
      header: "TTFT",
      title: "Time to the first token, median",
      value: (c) => c.ttft_sec?.median ?? null,
      text: formatSeconds,
      dropRank: 3,
    },
    { header: "load", title: "Time to load", value: (c) => c.load_sec, text: formatSeconds, dropRank: 4 },
    {
      header: "× time",
      title: "Time against the reference, paired by prompt",
      value: (c) => c.against_reference?.time?.ratio ?? null,
      text: ratio,
      dropRank: 2,
    },
    ...qualityColumns(summary),
    {
      header: "trials",
      title: "Trials completed of those planned",
      value: (c) => c.trials_completed,
      text: (value, c) => `${value}/${c.trials_planned}`,
      dropRank: 5,
    },
  ];
}

/** Of the first text; every text is in the table of quality. */
function qualityColumns({ configurations }: RunSummary): readonly ResultColumn[] {
  if (!configurations.some(({ quality }) => quality.length > 0)) return [];
  return [
    {
      header: "KL",
      title: "KL divergence from the reference, mean, nats a token",
      value: (c) => c.quality[0]?.kl_divergence?.mean ?? null,
      text: natsText,
      dropRank: 1,
    },
    {
      header: "top-1",
      title: "Share of tokens whose most likely next token is the reference's",
      value: (c) => c.quality[0]?.top1_agreement?.value ?? null,
      text: (value) => `${(value * 100).toFixed(1)} %`,
      dropRank: 1,
    },
  ];
}
