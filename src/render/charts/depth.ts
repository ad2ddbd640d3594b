/** What a filled cache costs: reading and answering speed, and memory, over the depth (tokens already in the cache). */
import type { TopLevelSpec } from "vega-lite";
import { type SweepInput, sweepChart } from "./sweep.js";

export type DepthInput = SweepInput;

/** `room`: width in pixels that the whole chart may take. */
export function depthChart(input: DepthInput, room?: number): TopLevelSpec {
  // The axis starts at a depth of 0, which has no place on a logarithmic axis.
  const words = {
    title: "with tokens already in the cache",
    x: "Depth: tokens already in the cache",
    isLinear: true,
  };
  return sweepChart(input, words, room);
}
