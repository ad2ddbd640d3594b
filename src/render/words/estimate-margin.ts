import type { EstimateMargin } from "../../analysis/estimate-margin.js";

/** `±10 %`, `+2 to +84 %`: how far the measured value may be from the estimate. */
export function describeMargin({ low, high }: EstimateMargin): string {
  const percent = (ratio: number) => `${ratio < 1 ? "−" : "+"}${Math.round(Math.abs(ratio - 1) * 100)}`;
  const isEven = Math.abs(high - 1 - (1 - low)) < 0.005;
  return isEven ? `±${Math.round((high - 1) * 100)} %` : `${percent(low)} to ${percent(high)} %`;
}
