/** How far an estimate may be off, by what was measured before, and what that leaves to say of a fit. */

/** Measured ÷ estimated peak of one configuration. */
export interface PastPeak {
  readonly method: string;
  readonly device: "cpu" | "cuda";
  readonly ratio: number;
}

export interface EstimateMargin {
  /** The lowest and highest measured ÷ estimated. */
  readonly low: number;
  readonly high: number;
  /** Configurations that were measured; 0 = the margin is assumed. */
  readonly configurations: number;
}

/** Where nothing like it was measured: what the estimate promises for the one model that it was first held to (docs/estimate.md). */
const ASSUMED = 0.1;

/** Of configurations of the same method on the same kind of device; an exact estimate is among what may be. */
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

/** `yes`: also at the margin's worst; `no`: not even at its best. */
export function judgeFit(totalBytes: number, memoryBytes: number, { low, high }: EstimateMargin): FitVerdict {
  if (totalBytes * high <= memoryBytes) return "yes";
  return totalBytes * low <= memoryBytes ? "tight" : "no";
}

/** `±10 %`, `+2 to +84 %`: how far what is measured may lie from the estimate. */
export function describeMargin({ low, high }: EstimateMargin): string {
  const percent = (ratio: number) => `${ratio < 1 ? "−" : "+"}${Math.round(Math.abs(ratio - 1) * 100)}`;
  const isEven = Math.abs(high - 1 - (1 - low)) < 0.005;
  return isEven ? `±${Math.round((high - 1) * 100)} %` : `${percent(low)} to ${percent(high)} %`;
}
