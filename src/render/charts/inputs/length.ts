import type { RunSummary } from "../../../run/summary-schema.js";
import type { LengthInput } from "../length.js";
import { memoryPanel, type SweptPanel, sweepInput } from "./sweep.js";

export const PREFILL: SweptPanel = {
  key: "prefill",
  title: "Prefill (tokens/s)",
  what: "prompt tokens read per second",
  format: ".1f",
  read: ({ prefill_tokens_per_sec }) => prefill_tokens_per_sec,
  unit: 1,
};
export const DECODE: SweptPanel = {
  key: "decode",
  title: "Decoding (tokens/s per row)",
  what: "tokens decoded per second",
  format: ".2f",
  read: ({ decode_tokens_per_sec }) => decode_tokens_per_sec,
  unit: 1,
};

/** Null if no series was measured at two or more prompt lengths. */
export function lengthInput(summary: RunSummary): LengthInput | null {
  const axis = {
    axis: "prompt_tokens",
    readX: ({ prompt_tokens }: { prompt_tokens: number | null }) => prompt_tokens,
  };
  return sweepInput(summary, axis, [PREFILL, DECODE, memoryPanel(summary)]);
}
