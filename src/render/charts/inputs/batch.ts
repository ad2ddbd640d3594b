import type { RunSummary } from "../../../run/summary-schema.js";
import type { BatchInput } from "../batch.js";
import { memoryPanel, type SweptPanel, sweepInput } from "./sweep.js";

const RATE: SweptPanel = {
  key: "rate",
  title: "Tokens/s, all rows",
  what: "tokens decoded per second, all rows together",
  format: ".1f",
  read: ({ batch_tokens_per_sec }) => batch_tokens_per_sec,
  unit: 1,
};

/** Null if no series was measured at two or more batch sizes. */
export function batchInput(summary: RunSummary): BatchInput | null {
  const axis = { axis: "batch_size", readX: ({ batch_size }: { batch_size: number }) => batch_size };
  return sweepInput(summary, axis, [RATE, memoryPanel(summary)]);
}
