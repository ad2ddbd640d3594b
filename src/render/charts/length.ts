/** What longer prompts cost: reading and answering speed, and memory, over the number of prompt tokens. */
import type { TopLevelSpec } from "vega-lite";
import { type SweepInput, sweepChart } from "./sweep.js";

export type LengthInput = SweepInput;

/** `room`: width in pixels that the whole chart may take. */
export function lengthChart(input: LengthInput, room?: number): TopLevelSpec {
  return sweepChart(input, { title: "prompts of different lengths", x: "Prompt length (tokens)" }, room);
}
