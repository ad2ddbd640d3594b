/** The rows that one experiment on the GPU must fulfill, made from the files of its run. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "../../src/base/units.js";
import { shortMemoryName } from "../../src/metrics/memory.js";
import type { ConfigurationSummary, RunSummary } from "../../src/run/summary-schema.js";
import type { Row } from "./rows.js";
import type { FinishedRun } from "./run-experiment.js";

export interface RunOnGpu {
  readonly summary: RunSummary;
  /** UUIDs of the visible cards, in the framework's order. */
  readonly cards: readonly (string | null)[];
  /** `devices` of each completed trial. */
  readonly trialDevices: readonly (readonly string[])[];
  /** Title of the memory axis in each chart of one configuration. */
  readonly memoryAxes: readonly string[];
}

/** Reads the data from which the rows are made. */
export function readRunOnGpu({ summary, folder, records }: FinishedRun): RunOnGpu {
  const environment = records.find((record) => record.kind === "environment")?.environment;
  const charts = join(folder, "charts");
  const files = readdirSync(charts).filter((name) => /^article-.*\.vl\.json$/.test(name));
  return {
    summary,
    cards: (environment?.gpus ?? []).map(({ uuid }) => uuid),
    trialDevices: records.flatMap((record) =>
      record.kind === "trial" && record.status === "completed" ? [record.measurement.devices ?? []] : [],
    ),
    memoryAxes: files.flatMap((name) =>
      Array.from(
        readFileSync(join(charts, name), "utf8").matchAll(/"title":\s*"(Peak [^"]*)"/g),
        ([, title = ""]) => title,
      ),
    ),
  };
}

export function listExperimentRows({ summary, cards, trialDevices, memoryAxes }: RunOnGpu): Row[] {
  const name = summary.experiment;
  const used = [...new Set(trialDevices.flat())];
  return [
    ...summary.configurations.map((one) =>
      makeRow(
        `${name}: ${one.label}`,
        describeMeasured(one),
        "all trials, the GPU's memory",
        one.status === "completed" && one.memory_metric === "peak_memory_allocated_bytes",
        one.failure?.message ?? "",
      ),
    ),
    makeRow(
      `${name}: card of the trials`,
      used.join(", "),
      cards[0] ?? "a card with a UUID",
      used.length === 1 && used[0] === cards[0],
    ),
    makeRow(
      `${name}: charts' memory axis`,
      [...new Set(memoryAxes)].join(", "),
      "Peak GPU memory",
      memoryAxes.length > 0 && memoryAxes.every((title) => title.includes("Peak GPU memory")),
    ),
  ];
}

/** `6 of 6 trials, Peak GPU 23 MB, 51.2 tokens/s`, or the failure's code. */
function describeMeasured(one: ConfigurationSummary): string {
  if (one.failure !== null) return one.failure.code;
  const { memory_metric: metric, peak_memory_bytes: peak, decode_tokens_per_sec: rate } = one;
  return [
    `${one.trials_completed} of ${one.trials_planned} trials`,
    ...(peak === null ? [] : [`${shortMemoryName(metric)} ${formatBytes(peak.median)}`]),
    ...(rate === null ? [] : [`${rate.median.toFixed(1)} tokens/s`]),
  ].join(", ");
}

function makeRow(what: string, figure: string, expected: string, holds: boolean, why = ""): Row {
  return { what, figure, expected, result: holds ? "ok" : "FAILED", reason: holds ? "" : why };
}
