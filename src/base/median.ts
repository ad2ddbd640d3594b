/** The middle sample, or the mean of the middle two; null for no samples. */
export function computeMedian(samples: readonly number[]): number | null {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return lower === undefined || upper === undefined ? null : lower / 2 + upper / 2;
}
