/** The memory that is shown as "the" memory: device memory on CUDA, else the process's peak RSS. */
import { chooseSource, type TrialNumbers } from "./registry.js";
import { TRIAL_METRICS } from "./trial-metrics.js";

type MemoryEntry = Extract<(typeof TRIAL_METRICS)[number], { readonly key: "peak_memory_bytes" }>;
const MEMORY: MemoryEntry = TRIAL_METRICS[0];

export type MemoryMetric = MemoryEntry["sources"][number]["key"];
export const MEMORY_METRICS = MEMORY.sources.map(({ key }) => key);

/** Null if no trial measured either. A configuration uses one metric for all of its trials, or none. */
export function chooseMemoryMetric(measurements: readonly TrialNumbers[]): MemoryMetric | null {
  return chooseSource(MEMORY, measurements) as MemoryMetric | null;
}

/** The name for axes and columns, so that a CPU run never says "GPU memory". */
export function memoryName(metric: MemoryMetric | null): string {
  return MEMORY.sources.find(({ key }) => key === metric)?.name ?? "Peak memory";
}

/** The short name for a narrow column in a table. */
export function shortMemoryName(metric: MemoryMetric | null): string {
  return MEMORY.sources.find(({ key }) => key === metric)?.shortName ?? "Peak mem.";
}

/** One metric for a chart of several configurations: theirs if they all use the same, else null. */
export function commonMemoryMetric(metrics: readonly (MemoryMetric | null)[]): MemoryMetric | null {
  const known = new Set(metrics.filter((metric) => metric !== null));
  const [first] = known;
  return known.size === 1 && first !== undefined ? first : null;
}
