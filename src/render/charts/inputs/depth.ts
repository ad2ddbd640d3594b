import { BYTES_PER_MB } from "../../../base/units.js";
import type { RunSummary } from "../../../run/summary-schema.js";
import type { DepthInput } from "../depth.js";
import { DECODE, PREFILL } from "./length.js";
import { memoryPanel, type SweptPanel, sweepInput } from "./sweep.js";

const CACHE: SweptPanel = {
  key: "cache",
  title: "Cache (MB)",
  what: "the cache of keys and values as it is stored",
  format: ".1f",
  read: ({ cache_bytes }) => cache_bytes,
  unit: BYTES_PER_MB,
};

/** Null where no two depths were measured of anything. */
export function depthInput(summary: RunSummary): DepthInput | null {
  if (summary.configurations.every(({ depth }) => depth === null)) return null;
  const axis = { axis: "depth", readX: ({ depth }: { depth: number | null }) => depth ?? 0 };
  return sweepInput(summary, axis, [PREFILL, DECODE, memoryPanel(summary), CACHE]);
}
