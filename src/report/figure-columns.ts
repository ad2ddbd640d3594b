/** The figures of a run's table, one row a configuration: the same at the terminal and in Markdown. */
import { formatBytes, formatSeconds } from "../base/units.js";
import { safeLine } from "../base/untrusted-text.js";
import { commonMemoryMetric, shortMemoryName } from "./memory-metric.js";
import { natsText } from "./quality-text.js";
import type { ConfigurationSummary, RunSummary } from "./summary.js";

export interface FigureColumn {
  readonly head: string;
  readonly cell: (configuration: ConfigurationSummary) => string;
  /** The highest goes first where there is too little room. */
  readonly droppable: number;
}

const NOTHING = "–";

/** The name as it stands in the table: `*` for the reference, `✗` where something of it failed or is missing. */
export function markedName(configuration: ConfigurationSummary): string {
  const mark = configuration.status === "completed" && configuration.failure === null ? "" : " ✗";
  return `${safeLine(configuration.label)}${configuration.is_reference ? " *" : ""}${mark}`;
}

export function figureColumns(summary: RunSummary): readonly FigureColumn[] {
  const metric = commonMemoryMetric(summary.configurations.map(({ memory_metric }) => memory_metric));
  const bytes = (value: number | null | undefined) => (value == null ? NOTHING : formatBytes(value));
  const seconds = (value: number | null | undefined) => (value == null ? NOTHING : formatSeconds(value));
  const ratio = (value: number | null | undefined) => (value == null ? NOTHING : `${value.toFixed(2)}×`);
  const rate = (value: number | undefined) => (value === undefined ? NOTHING : value.toFixed(1));
  return [
    { head: "weights", cell: (c) => bytes(c.weights_bytes), droppable: 0 },
    { head: shortMemoryName(metric), cell: (c) => bytes(c.peak_memory_bytes?.median), droppable: 0 },
    { head: "time", cell: (c) => seconds(c.elapsed_sec?.median), droppable: 0 },
    { head: "tokens/s", cell: (c) => rate(c.decode_tokens_per_sec?.median), droppable: 1 },
    { head: "TTFT", cell: (c) => seconds(c.ttft_sec?.median), droppable: 3 },
    { head: "load", cell: (c) => seconds(c.load_sec), droppable: 4 },
    { head: "× time", cell: (c) => ratio(c.against_reference?.time?.ratio), droppable: 2 },
    ...qualityColumns(summary),
    { head: "trials", cell: (c) => `${c.trials_completed}/${c.trials_planned}`, droppable: 5 },
  ];
}

/** Of the first text; every text is in the table of quality. */
function qualityColumns({ configurations }: RunSummary): readonly FigureColumn[] {
  if (!configurations.some(({ quality }) => quality.length > 0)) return [];
  const first = (configuration: ConfigurationSummary) => configuration.quality[0];
  return [
    {
      head: "KL",
      cell: (c) => {
        const kl = first(c)?.kl_divergence;
        return kl == null ? NOTHING : natsText(kl.mean);
      },
      droppable: 1,
    },
    {
      head: "top-1",
      cell: (c) => {
        const agreement = first(c)?.top1_agreement;
        return agreement == null ? NOTHING : `${(agreement.value * 100).toFixed(1)} %`;
      },
      droppable: 1,
    },
  ];
}
