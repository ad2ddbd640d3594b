/** How far an estimate may be off, judging by earlier measurements, and what that means for whether a model fits. */

/** Measured ÷ estimated peak of one configuration. */
export interface PastPeak {
  readonly method: string;
  readonly device: "cpu" | "cuda";
  readonly ratio: number;
}

export interface EstimateMargin {
  /** The lowest and the highest measured ÷ estimated peak. */
  readonly low: number;
  readonly high: number;
  /** The number of configurations that were measured; 0 if the margin is assumed. */
  readonly configurations: number;
}

/**
 * Used if nothing comparable was measured: what the estimate promises for the one model that it was first checked against
 * (docs/estimate.md).
 */
const ASSUMED = 0.1;

/** The margin of earlier configurations with the same method on the same kind of device. It always includes an exact estimate. */
export function computeMargin(
  past: readonly PastPeak[],
  method: string,
  device: "cpu" | "cuda",
): EstimateMargin {
  const ratios = past
    .filter((one) => one.method === method && one.device === device)
    .map(({ ratio }) => ratio);
  if (ratios.length === 0) return { low: 1 - ASSUMED, high: 1 + ASSUMED, configurations: 0 };
  return { low: Math.min(1, ...ratios), high: Math.max(1, ...ratios), configurations: ratios.length };
}

export type FitVerdict = "yes" | "tight" | "no";

/** `yes`: it fits even at the margin's worst; `no`: it does not fit even at its best. */
export function judgeFit(totalBytes: number, memoryBytes: number, { low, high }: EstimateMargin): FitVerdict {
  if (totalBytes * high <= memoryBytes) return "yes";
  return totalBytes * low <= memoryBytes ? "tight" : "no";
}
