/** How long the slowest ones take: percentiles of latencies, if there are enough samples to know them. */
import { computeQuantile } from "../base/statistics.js";
import type { Percentiles } from "../run/summary-schema.js";

/** Percentile → the fewest samples that it needs: enough that on average one lies beyond it. */
export const FEWEST_SAMPLES = { p50: 2, p90: 10, p99: 100 } as const;
export type PercentileName = keyof typeof FEWEST_SAMPLES;
const PROBABILITIES: Readonly<Record<PercentileName, number>> = { p50: 0.5, p90: 0.9, p99: 0.99 };

/** Null if there are no samples. Each percentile is null if there are fewer samples than it needs. */
export function computePercentiles(samples: readonly number[]): Percentiles | null {
  const n = samples.length;
  if (n === 0) return null;
  const sorted = samples.toSorted((a, b) => a - b);
  const read = (name: PercentileName) =>
    n < FEWEST_SAMPLES[name] ? null : computeQuantile(sorted, PROBABILITIES[name]);
  return { n, p50: read("p50"), p90: read("p90"), p99: read("p99") };
}
