/** The ratio of two configurations over pairs of trials, with the one interval that decides what may be said about it. */
import {
  computeLoadSpread,
  computeMean,
  computeVariance,
  computeVarianceOfMean,
  LOAD_SPREAD,
} from "../run/load-spread.js";
import {
  computeHalfOfAssumed,
  computeHalfOfPairs,
  computeHalfOfRatios,
  computeHalfOfSpread,
  FEWEST_LOADS,
  FEWEST_PAIRS,
  LEVEL,
  quantileOf,
} from "../run/ratio-precision.js";

/** How the intervals of comparisons are computed, as stated in summary.json. */
export const INTERVAL = {
  level: LEVEL,
  method: "Student's t on the logarithms",
  fewest_pairs: FEWEST_PAIRS,
} as const;

/** The same prompt and repeat in both configurations. */
export interface RatioPair {
  readonly own: number;
  readonly reference: number;
  /** Pairs of the same round come from one load of each configuration. */
  readonly round: number;
  /**
   * What one unit of work took on each side, which does not depend on the prompt, so that loads of one configuration can be
   * compared even if they measured different prompts. Defaults to the values themselves.
   */
  readonly paces?: readonly [own: number, reference: number];
}

/**
 * What counts as one observation: a pair of trials, or a load if the process fixes the figure (its memory) and its trials only
 * repeat it.
 */
export type Unit = "pair" | "load";

export interface PairedRatio {
  readonly unit: Unit;
  readonly pairs: number;
  readonly loads: number;
  /** Geometric mean of own ÷ reference. */
  readonly ratio: number;
  /**
   * Interval at `LEVEL`, over the units. Null with fewer than `FEWEST_PAIRS` pairs or, if the unit is a load, `FEWEST_LOADS`
   * loads.
   */
  readonly interval: readonly [low: number, high: number] | null;
  /** Own ÷ reference, for each load. */
  readonly loadRatios: readonly number[];
  /**
   * How much loads of one configuration differ from each other (standard deviation), if that is more than is assumed anyway, else
   * null.
   */
  readonly unevenLoads: number | null;
}

export interface RatioOptions {
  readonly unit?: Unit;
  /**
   * The least by which loads of one configuration are assumed to differ (standard deviation, 0.01 is 1 %), however even their own
   * trials are, because few loads do not show it. 0 for values that do not depend on a load.
   */
  readonly loadSpread?: number;
  /**
   * The same for whole runs, if the two sides come from different runs: the loads of either do not show how much runs differ. 0
   * within a run.
   */
  readonly runSpread?: number;
}

/** One pair, as logarithms. */
interface LogPair {
  readonly log: number;
  readonly paces: readonly [own: number, reference: number];
}

/**
 * Returns own ÷ reference over pairs of positive values, computed on logarithms, so that twice and half are equally far from one.
 * Null if there are no pairs.
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
 * Half the interval's width, from how much the pairs of a load differ and how much loads differ. Few loads are taken to differ by
 * as much as they show, but no less than is assumed. From `FEWEST_LOADS` on, the spread of the loads' ratios is used if that is
 * less, because it leaves out whatever slows both sides.
 */
function halfOfPairs(
  rounds: readonly (readonly LogPair[])[],
  loadMeans: readonly number[],
  loadSpread: number,
): { readonly half: number; readonly unevenLoads: number | null } {
  const loads = rounds.length;
  const logs = rounds.map((round) => round.map(({ log }) => log));
  const pairs = logs.flat().length;
  const ofPairs = computeHalfOfPairs(computeVarianceOfMean(logs), pairs, loads);
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
