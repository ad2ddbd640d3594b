/**
 * A sweep's ratio from two measurements: everything except generates (starts, imports, loads, proofs, the report) in whole
 * sweeps, and generates in pairs. A sweep itself has only five generates per configuration, and their random differences are
 * several times larger than the differences to be detected. Pure.
 */
import { computeStatistics } from "../../src/base/statistics.js";
import type { RatioInterval } from "./statistics.js";

export interface SweepParts {
  readonly productSec: number;
  readonly scriptSec: number;
  /** The part that generates took, by configuration, including warm-ups. */
  readonly productGeneratesSec: Readonly<Record<string, number>>;
  readonly scriptGeneratesSec: Readonly<Record<string, number>>;
}

/**
 * 1 + (rest of the product − rest of the script) ÷ script + Σ share × (ratio of generates − 1), where each share is that of a
 * configuration's generates in the script's time. `ratios` are those of generates, by configuration. The half-widths of the 95 %
 * intervals add up like independent errors. Null if there are fewer than two sweeps, or if a configuration has no ratio.
 */
export function combineSweeps(
  sweeps: readonly SweepParts[],
  ratios: Readonly<Record<string, RatioInterval | null>>,
): RatioInterval | null {
  const rest = computeStatistics(
    sweeps.map(
      (sweep) =>
        (sweep.productSec -
          sum(sweep.productGeneratesSec) -
          (sweep.scriptSec - sum(sweep.scriptGeneratesSec))) /
        sweep.scriptSec,
    ),
  );
  if (rest === null || rest.ci95_high === null) return null;
  let ratio = 1 + rest.mean;
  let squares = (rest.ci95_high - rest.mean) ** 2;
  for (const name of Object.keys(sweeps[0]?.scriptGeneratesSec ?? {})) {
    const ofGenerates = ratios[name] ?? null;
    if (ofGenerates === null) return null;
    const share =
      sweeps.reduce((total, sweep) => total + (sweep.scriptGeneratesSec[name] ?? 0) / sweep.scriptSec, 0) /
      sweeps.length;
    ratio += share * (ofGenerates.ratio - 1);
    squares += (share * ofGenerates.halfWidth) ** 2;
  }
  const halfWidth = Math.sqrt(squares);
  const counted = { loads: sweeps.length, pairs: sweeps.length };
  return { ratio, low: ratio - halfWidth, high: ratio + halfWidth, halfWidth, ...counted };
}

function sum(parts: Readonly<Record<string, number>>): number {
  return Object.values(parts).reduce((total, one) => total + one, 0);
}
