import { BYTES_PER_MB } from "../../../base/units.js";
import type { RunSummary } from "../../../run/summary-schema.js";
import type { DepthInput } from "../depth.js";
import { DECODE, PREFILL } from "./length.js";
import { memoryPanel, type SweptPanel, sweepInput } from "./sweep.js";

const CACHE: SweptPanel = {
  key: "cache",
  title: "Cache (MB)",
  what: "size of the key-value cache as stored",
  format: ".1f",
  read: ({ cache_bytes }) => cache_bytes,
  unit: BYTES_PER_MB,
};

/** Null if no series was measured at two or more depths. */
export function depthInput(summary: RunSummary): DepthInput | null {
  if (summary.configurations.every(({ depth }) => depth === null)) return null;
  const axis = { axis: "depth", readX: ({ depth }: { depth: number | null }) => depth ?? 0 };
  return sweepInput(summary, axis, [PREFILL, DECODE, memoryPanel(summary), CACHE]);
}
