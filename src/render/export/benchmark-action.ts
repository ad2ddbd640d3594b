/**
 * Runs → files for github-action-benchmark, which charts values over commits
 * (https://github.com/benchmark-action/github-action-benchmark, `tool: customSmallerIsBetter` and `customBiggerIsBetter`). A file
 * takes metrics of one direction, so there are two.
 */
import { HISTORY_METRICS, type HistoryMetric } from "../../analysis/history/metrics.js";
import { safeLine } from "../../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import type { FolderContent } from "./document.js";

/** An entry of its JSON; all entries with the same name form one chart there. */
interface Entry {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly range?: string;
  readonly extra: string;
}

const FILES = { lower: "smaller-is-better.json", higher: "bigger-is-better.json" } as const;

export function benchmarkAction(summaries: readonly RunSummary[]): FolderContent {
  const files = Object.entries(FILES).map(([better, file]) => [
    file,
    `${JSON.stringify(listEntries(summaries, better), null, 2)}\n`,
  ]);
  return {
    files: Object.fromEntries(files),
    explain: (folder) => [
      "Use them in two workflow steps, each with its own name:",
      `  tool: customSmallerIsBetter, output-file-path: ${folder}/${FILES.lower}`,
      `  tool: customBiggerIsBetter, output-file-path: ${folder}/${FILES.higher}`,
    ],
  };
}

/** Entries of the metrics that `history` follows. Of several runs of an experiment, the newest counts: a commit has one value. */
function listEntries(summaries: readonly RunSummary[], better: string): Entry[] {
  const metrics = HISTORY_METRICS.filter((metric) => metric.better === better);
  const entries = summaries
    .toSorted((a, b) => a.started_at.localeCompare(b.started_at))
    .flatMap((summary) =>
      summary.configurations.flatMap((configuration) =>
        metrics.flatMap((metric) => readEntries(summary, configuration, metric)),
      ),
    );
  return [...new Map(entries.map((entry) => [entry.name, entry])).values()];
}

function readEntries(
  { experiment, run_id }: RunSummary,
  configuration: ConfigurationSummary,
  metric: HistoryMetric,
): Entry[] {
  const texts = metric.isOfText ? configuration.quality.map(({ text_id }) => text_id) : [null];
  return texts.flatMap((text) => {
    const read = metric.readValue(configuration, text);
    if (read === null || !Number.isFinite(read.value)) return [];
    const { value, low, high, isDisturbed } = read;
    const title = metric.describeKind(configuration) || metric.title;
    const place = [experiment, configuration.label, ...(text === null ? [] : [text]), title];
    const spread = low === null || high === null ? {} : { range: `${round(low)} to ${round(high)}` };
    const about = [
      `run ${run_id}`,
      ...(metric.spread === "trials" ? [`median of ${configuration.trials_completed} trials`] : []),
      ...(metric.spread === "ci95" ? ["range: 95 % interval"] : []),
      ...(isDisturbed ? ["other work on the machine disturbed all its trials"] : []),
    ];
    return [
      {
        name: place.map(safeLine).join(" / "),
        unit: metric.unit,
        value: round(value),
        ...spread,
        extra: about.join("\n"),
      },
    ];
  });
}

/** Rounds to six significant digits; counts, which are whole numbers, stay exact. */
function round(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(6));
}
