/** Quantile of sorted samples, linear between neighbours (Hyndman and Fan, definition 7, as NumPy does); needs one sample. */
export function computeQuantile(sorted: readonly number[], probability: number): number {
  const at = (sorted.length - 1) * probability;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}
