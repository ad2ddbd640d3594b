/** What a filled cache takes: reading and answering behind so many tokens, and memory, over the depth. */
import type { TopLevelSpec } from "vega-lite";
import { type SweepInput, sweepChart } from "./sweep.js";

export type DepthInput = SweepInput;

/** `room`: pixels that the whole may take. */
export function depthChart(input: DepthInput, room?: number): TopLevelSpec {
  // A depth of none is where it begins, and has no place on a logarithmic axis.
  const words = {
    title: "with tokens already in the cache",
    x: "Depth: tokens already in the cache",
    isLinear: true,
  };
  return sweepChart(input, words, room);
}
