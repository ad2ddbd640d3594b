/** The ratio of two configurations over pairs of trials, with the one interval that decides what may be said of it. */
import {
  computeLoadSpread,
  computeMean,
  computePooledVariance,
  computeVariance,
  LOAD_SPREAD,
} from "../run/load-spread.js";
import {
  computeHalfOfAssumed,
  computeHalfOfRatios,
  computeHalfOfSpread,
  FEWEST_LOADS,
  LEVEL,
  quantileOf,
} from "../run/ratio-precision.js";

/** Below this the spread of the pairs is itself not known well enough. */
export const FEWEST_PAIRS = 4;
/** How the intervals of comparisons are made, as summary.json tells it. */
export const INTERVAL = {
  level: LEVEL,
  method: "Student's t on the logarithms",
  fewest_pairs: FEWEST_PAIRS,
} as const;

/** The same prompt and repeat under both. */
export interface RatioPair {
  readonly own: number;
  readonly reference: number;
  /** Pairs of one round are of one load of each. */
  readonly round: number;
  /**
   * Of a unit of each one's work, the same whatever the prompt, so that loads of one configuration can be compared which measured
   * other prompts; the values themselves where there is none.
   */
  readonly paces?: readonly [own: number, reference: number];
}

/**
 * What is counted as one observation: a pair of trials, or a load, where a process fixes the figure (its memory) and its
 * trials only tell it again.
 */
export type Unit = "pair" | "load";

export interface PairedRatio {
  readonly unit: Unit;
  readonly pairs: number;
  readonly loads: number;
  /** Geometric mean of own ÷ reference. */
  readonly ratio: number;
  /** At `LEVEL`, over the units; null with fewer than `FEWEST_PAIRS`, or `FEWEST_LOADS`, of them. */
  readonly interval: readonly [low: number, high: number] | null;
  /** Of each load, own ÷ reference. */
  readonly loadRatios: readonly number[];
  /** What loads of one configuration differ by (standard deviation), where that is more than is always assumed. */
  readonly unevenLoads: number | null;
}

export interface RatioOptions {
  readonly unit?: Unit;
  /**
   * What loads of one configuration are taken to differ by at least (standard deviation, 0.01 is 1 %), be their own trials ever
   * so even: few loads do not tell it. 0 for what has no load.
   */
  readonly loadSpread?: number;
  /** The same of whole runs, where the two sides are of two: what no load of either tells. 0 within a run. */
  readonly runSpread?: number;
}

/** Of one pair, on the logarithm. */
interface LogPair {
  readonly log: number;
  readonly paces: readonly [own: number, reference: number];
}

/**
 * Own ÷ reference over pairs of positive values, on the logarithm, so that twice and half are equally far from one. Null without
 * pairs.
 */
export function pairedRatio(
  pairs: readonly RatioPair[],
  { unit = "pair", loadSpread = LOAD_SPREAD, runSpread = 0 }: RatioOptions = {},
): PairedRatio | null {
  const logs = pairs
    .filter(({ own, reference }) => own > 0 && reference > 0)
    .map(({ own, reference, round, paces: [mine, its] = [own, reference] }) => ({
      log: Math.log(own / reference),
      paces: [Math.log(mine), Math.log(its)] as const,
      round,
    }));
  if (logs.length === 0) return null;
  const rounds = [...new Set(logs.map(({ round }) => round))].map((round) =>
    logs.filter((one) => one.round === round),
  );
  const loadMeans = rounds.map((round) => computeMean(round.map(({ log }) => log)));
  const units = unit === "load" ? loadMeans : logs.map(({ log }) => log);
  const mean = computeMean(units);
  const known = {
    unit,
    pairs: logs.length,
    loads: rounds.length,
    ratio: Math.exp(mean),
    loadRatios: loadMeans.map(Math.exp),
  };
  if (units.length < (unit === "load" ? FEWEST_LOADS : FEWEST_PAIRS)) {
    return { ...known, interval: null, unevenLoads: null };
  }
  const { half, unevenLoads } =
    unit === "load"
      ? { half: computeHalfOfRatios(loadMeans), unevenLoads: null }
      : halfOfPairs(rounds, loadMeans, loadSpread);
  const whole = Math.hypot(half, quantileOf(Number.POSITIVE_INFINITY) * runSpread * Math.SQRT2);
  return { ...known, interval: [Math.exp(mean - whole), Math.exp(mean + whole)], unevenLoads };
}

/**
 * What the pairs of a load differ by, and what loads do: as much as they show, and, of few loads, no less than is assumed. From
 * `FEWEST_LOADS` on also what the loads' ratios differ by, where that is less: what slows both is none of it.
 */
function halfOfPairs(
  rounds: readonly (readonly LogPair[])[],
  loadMeans: readonly number[],
  loadSpread: number,
): { readonly half: number; readonly unevenLoads: number | null } {
  const loads = rounds.length;
  const logs = rounds.map((round) => round.map(({ log }) => log));
  const pairs = logs.flat().length;
  const pooled = computePooledVariance(logs);
  const ofPairs = pooled < 1e-24 ? 0 : quantileOf(pairs - loads) * Math.sqrt(pooled / pairs);
  const ofAssumed = computeHalfOfAssumed(loadSpread, loads);
  if (loads < 2) return { half: Math.hypot(ofPairs, ofAssumed), unevenLoads: null };
  const sides = ([0, 1] as const).map((side) => rounds.map((round) => round.map(({ paces }) => paces[side])));
  const spread = computeLoadSpread(sides);
  const ofSpread = computeHalfOfSpread(spread, loads);
  if (loads >= FEWEST_LOADS) {
    const half = Math.min(Math.hypot(ofPairs, ofSpread), computeHalfOfRatios(loadMeans));
    return { half, unevenLoads: spread > loadSpread ? spread : null };
  }
  const shown = quantileOf(Number.POSITIVE_INFINITY) * Math.sqrt(computeVariance(loadMeans) / loads);
  const ofLoads = Math.max(ofAssumed, shown);
  return {
    half: Math.hypot(ofPairs, Math.max(ofLoads, ofSpread)),
    unevenLoads: ofSpread > ofLoads ? spread : null,
  };
}
