/** What the generates of some loads used besides time, which shows where a difference comes from. Pure. */
import { computeMedian } from "../../src/base/statistics.js";
import type { Load } from "./generates.js";
import type { Pair, Turn } from "./pairs.js";

/** Medians over undisturbed pairs, per generate, including what its request needs before the clock starts and after it stops. */
export interface SideUse {
  readonly elapsedSec: number;
  readonly cpuSec: number | null;
  readonly minorFaults: number | null;
  readonly waitedSec: number | null;
  readonly besideCpuSec: number | null;
}

export interface LoadSummary {
  readonly disturbed: number;
  /** Null if no undisturbed pair was measured. */
  readonly use: { readonly measured: SideUse; readonly against: SideUse } | null;
}

/** Summarizes the loads of one configuration. */
export function summarizeLoads(loads: readonly Load[]): LoadSummary {
  const pairs = loads.flatMap((load) => load.pairs);
  const quiet = pairs.filter(({ isDisturbed }) => !isDisturbed);
  const measured = computeSideUse(quiet, "measured");
  const against = computeSideUse(quiet, "against");
  return {
    disturbed: pairs.length - quiet.length,
    use: measured === null || against === null ? null : { measured, against },
  };
}

function computeSideUse(pairs: readonly Pair[], side: "measured" | "against"): SideUse | null {
  const middle = (key: Exclude<keyof Turn, "text">) =>
    computeMedian(pairs.flatMap((pair) => pair[side][key] ?? []));
  const elapsedSec = middle("elapsedSec");
  if (elapsedSec === null) return null;
  return {
    elapsedSec,
    cpuSec: middle("cpuSec"),
    minorFaults: middle("minorFaults"),
    waitedSec: middle("waitedSec"),
    besideCpuSec: middle("besideCpuSec"),
  };
}
