import { safeLine } from "../../../base/text.js";
import { commonMemoryMetric, memoryName } from "../../../metrics/memory.js";
import type { ConfigurationSummary, RunSummary } from "../../../run/summary-schema.js";
import { shownName } from "../../words/names.js";
import type { BatchInput, BatchRow, Range } from "../batch.js";

const BYTES_PER_GB = 1e9;

/** Null where no two batch sizes were measured of anything. */
export function batchInput({ configurations, model_name }: RunSummary): BatchInput | null {
  const series = [...new Set(configurations.map(keyOf))];
  const names = new Map(series.map((key) => [key, nameSeries(configurations, key)]));
  const rows = configurations.map((configuration): BatchRow => {
    const key = keyOf(configuration);
    const { batch_tokens_per_sec: rate, peak_memory_bytes: memory, failure } = configuration;
    return {
      configuration: configuration.id,
      label: shownName(configuration),
      series: names.get(key) ?? key,
      color: series.indexOf(key),
      batchSize: configuration.batch_size,
      tokensPerSec: toRange(rate, 1),
      rowTokensPerSec: configuration.decode_tokens_per_sec?.median ?? null,
      memoryGb: toRange(memory, BYTES_PER_GB),
      failure: rate === null ? (failure?.code ?? configuration.status.replaceAll("_", " ")) : null,
    };
  });
  const measured = (name: string) =>
    new Set(rows.flatMap((row) => (row.series === name && row.tokensPerSec !== null ? [row.batchSize] : [])));
  if (![...names.values()].some((name) => measured(name).size > 1)) return null;
  const metric = commonMemoryMetric(configurations.map(({ memory_metric }) => memory_metric));
  return { modelName: safeLine(model_name), memoryName: memoryName(metric), rows };
}

/** What tells it from others but for its batch. */
function keyOf({ axes }: ConfigurationSummary): string {
  return Object.entries(axes)
    .flatMap(([axis, text]) => (axis === "batch_size" ? [] : [text]))
    .join(" ");
}

/** By one that was loaded, where there is one: only that knows its dtype. */
function nameSeries(configurations: readonly ConfigurationSummary[], key: string): string {
  const own = configurations.filter((one) => keyOf(one) === key);
  const [named] = [...own.filter(({ dtype }) => dtype !== null), ...own];
  return (named === undefined ? "" : shownName({ ...named, label: key })) || "all";
}

function toRange(statistics: ConfigurationSummary["batch_tokens_per_sec"], unit: number): Range | null {
  if (statistics === null) return null;
  const { n, median, min, max } = statistics;
  return {
    median: median / unit,
    low: n > 1 ? min / unit : null,
    high: n > 1 ? max / unit : null,
  };
}
