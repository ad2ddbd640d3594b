/**
 * A sweep's ratio from two measurements: of everything but generates (starts, imports, loads, proofs, the report) in whole sweeps, and of
 * generates in pairs. A sweep's own generates are five a configuration, and what they differ by is luck several times larger than
 * what is to be told apart. Pure.
 */
import { computeStatistics } from "../../src/base/statistics.js";
import type { RatioInterval } from "./statistics.js";

export interface SweepParts {
  readonly productSec: number;
  readonly scriptSec: number;
  /** Of those the generates, by configuration, warm-ups included. */
  readonly productGeneratesSec: Readonly<Record<string, number>>;
  readonly scriptGeneratesSec: Readonly<Record<string, number>>;
}

/**
 * 1 + (rest of the product − rest of the script) ÷ script + Σ share × (ratio of generates − 1), each share being that of a
 * configuration's generates in the script's time. `ratios`: of generates, by configuration. The halves of the 95 % intervals add up as
 * independent errors do. Null for fewer than two sweeps, or where a configuration has no ratio.
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
