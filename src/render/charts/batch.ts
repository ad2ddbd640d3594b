/** What more answers at once gain and cost: tokens per second of all rows, and memory, over the batch size. */
import type { TopLevelSpec } from "vega-lite";
import { type SweepInput, sweepChart } from "./sweep.js";

export type BatchInput = SweepInput;

/** `room`: width in pixels that the whole chart may take. */
export function batchChart(input: BatchInput, room?: number): TopLevelSpec {
  return sweepChart(input, { title: "several answers at once", x: "Batch size: answers at once" }, room);
}
