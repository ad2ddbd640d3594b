/** What longer prompts take: reading and answering them, and memory, over their tokens. */
import type { TopLevelSpec } from "vega-lite";
import { type SweepInput, sweepChart } from "./sweep.js";

export type LengthInput = SweepInput;

/** `room`: pixels that the whole may take. */
export function lengthChart(input: LengthInput, room?: number): TopLevelSpec {
  return sweepChart(input, { title: "prompts of different length", x: "Tokens of a prompt" }, room);
}
