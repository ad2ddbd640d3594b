import type { RecordedTrial } from "../run/record-types.js";

/** Which of the measured memories is shown as "the" memory: device memory on CUDA, else the process's peak RSS. */
export type MemoryMetric = "peak_memory_allocated_bytes" | "peak_rss_bytes";

/** Null when no trial measured either. A configuration uses one metric for all its trials, or none. */
export function chooseMemoryMetric(measurements: readonly RecordedTrial[]): MemoryMetric | null {
  const has = (metric: MemoryMetric) => measurements.some((measurement) => measurement[metric] !== null);
  if (has("peak_memory_allocated_bytes")) return "peak_memory_allocated_bytes";
  return has("peak_rss_bytes") ? "peak_rss_bytes" : null;
}

/** As an axis or a column names it: a CPU run never says "GPU memory". */
export function memoryName(metric: MemoryMetric | null): string {
  if (metric === "peak_memory_allocated_bytes") return "Peak GPU memory allocated";
  return metric === "peak_rss_bytes" ? "Peak RSS" : "Peak memory";
}

/** The same in a table's narrow column. */
export function shortMemoryName(metric: MemoryMetric | null): string {
  if (metric === "peak_memory_allocated_bytes") return "Peak GPU";
  return metric === "peak_rss_bytes" ? "Peak RSS" : "Peak mem.";
}

/** One metric for a picture of several configurations: theirs if they agree, else null. */
export function commonMemoryMetric(metrics: readonly (MemoryMetric | null)[]): MemoryMetric | null {
  const known = new Set(metrics.filter((metric) => metric !== null));
  const [first] = known;
  return known.size === 1 && first !== undefined ? first : null;
}
