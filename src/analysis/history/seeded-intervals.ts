/**
 * Stretches of a series in which to look for a change, at every scale, because a short dip between two long levels is hidden in
 * the whole series.
 */

export interface Interval {
  /** Index of the first value. */
  readonly from: number;
  /** Index after the last value. */
  readonly to: number;
}

/**
 * Returns the whole series, then intervals of half its length that overlap by half, and so on down to `shortest` values: seeded
 * binary segmentation (Kovács, Bühlmann, Li and Munk, Biometrika 2023). Together they have about 2 · n · log2(n ÷ shortest)
 * values.
 */
export function seededIntervals(n: number, shortest: number): readonly Interval[] {
  const intervals: Interval[] = [];
  for (let layer = 0; ; layer++) {
    const length = Math.ceil(n / 2 ** layer);
    if (length < shortest) return intervals;
    const count = 2 * 2 ** layer - 1;
    for (let i = 0; i < count; i++) {
      const from = count === 1 ? 0 : Math.round(((n - length) * i) / (count - 1));
      intervals.push({ from, to: from + length });
    }
  }
}
