/** The ratio of two configurations over pairs of trials, with the one interval that decides what may be said of it. */
import { studentTQuantile } from "../base/statistics.js";

/** Level of every interval of a ratio: of a hundred comparisons of a thing with itself about one leaves out one. */
export const LEVEL = 0.99;
/** Below this the spread of the pairs, or of the loads, is itself not known well enough. */
export const FEWEST_PAIRS = 5;
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
  /** At `LEVEL`, over the units; null with fewer than `FEWEST_PAIRS` of them. */
  readonly interval: readonly [low: number, high: number] | null;
  /** Of each load, own ÷ reference. */
  readonly loadRatios: readonly number[];
}

export interface RatioOptions {
  readonly unit?: Unit;
  /**
   * What loads of one configuration are taken to differ by at least (standard deviation, 0.01 is 1 %), be their own trials ever
   * so even: few loads do not tell it. 0 for what has no load.
   */
  readonly loadSpread?: number;
}

/**
 * Standard deviation between loads of the same work that is assumed at least. Measured on a quiet machine (2 cores of an EPYC,
 * docs/benchmarks.md): 0.7 to 2.0 % with a model of 135 million parameters, 4.9 % with one of 5 million; where a load lies in
 * memory decides it.
 */
const LOAD_SPREAD = 0.04;

/** From so many loads on their own spread is known well enough, and nothing is assumed of it. */
const FEWEST_LOADS = 5;

/** Few loads that differ by so many times the variance that their pairs and the assumed spread explain: the machine drifted. */
const DRIFT_FROM = 6.63; // Chi-squared with one degree of freedom: by luck once in a hundred.

/**
 * Own ÷ reference over pairs of positive values, on the logarithm, so that twice and half are equally far from one. Null without
 * pairs.
 */
export function pairedRatio(
  pairs: readonly RatioPair[],
  { unit = "pair", loadSpread = LOAD_SPREAD }: RatioOptions = {},
): PairedRatio | null {
  const logs = pairs
    .filter(({ own, reference }) => own > 0 && reference > 0)
    .map(({ own, reference, round }) => ({ log: Math.log(own / reference), round }));
  if (logs.length === 0) return null;
  const rounds = [...new Set(logs.map(({ round }) => round))].map((round) =>
    logs.filter((one) => one.round === round).map(({ log }) => log),
  );
  const loadMeans = rounds.map(computeMean);
  const units = unit === "load" ? loadMeans : logs.map(({ log }) => log);
  const mean = computeMean(units);
  const known = {
    unit,
    pairs: logs.length,
    loads: rounds.length,
    ratio: Math.exp(mean),
    loadRatios: loadMeans.map(Math.exp),
  };
  if (units.length < FEWEST_PAIRS) return { ...known, interval: null };
  const isOfLoads = unit === "load" || rounds.length >= FEWEST_LOADS;
  const half = isOfLoads ? halfOfUnits(loadMeans) : halfOfFewLoads(rounds, mean, loadSpread);
  return { ...known, interval: [Math.exp(mean - half), Math.exp(mean + half)] };
}

function halfOfUnits(units: readonly number[]): number {
  const standardError = Math.sqrt(computeVariance(units) / units.length);
  // Rounding leaves a spread of about 1e-16 where all values are the same.
  return standardError < 1e-12 ? 0 : quantile(units.length - 1) * standardError;
}

/**
 * What the pairs of a load differ by, and what loads do: as much as they show, and no less than is assumed. Where that does not
 * explain them, as wide as so few of them say.
 */
function halfOfFewLoads(rounds: readonly (readonly number[])[], mean: number, loadSpread: number): number {
  const pairs = rounds.flat().length;
  const degrees = pairs - rounds.length;
  const within = rounds.reduce((sum, round) => sum + squaresAbout(round, computeMean(round)), 0);
  const pooled = degrees > 0 ? within / degrees : 0;
  const ofPairs = pooled < 1e-24 ? 0 : quantile(degrees) * Math.sqrt(pooled / pairs);
  const shown = rounds.length > 1 ? Math.sqrt(computeVariance(rounds.map(computeMean))) : 0;
  const assumed = loadSpread * Math.SQRT2;
  const ofLoads = (quantile(Number.POSITIVE_INFINITY) * Math.max(assumed, shown)) / Math.sqrt(rounds.length);
  const half = Math.hypot(ofPairs, ofLoads);
  if (rounds.length < 2) return half;
  const between = betweenRounds(rounds, mean);
  const explained = pooled + (assumed ** 2 * pairs) / rounds.length;
  if (between <= DRIFT_FROM * explained) return half;
  return Math.max(half, quantile(rounds.length - 1) * Math.sqrt(between / pairs));
}

function quantile(degreesOfFreedom: number): number {
  // The normal distribution's own, for what is not estimated.
  if (degreesOfFreedom === Number.POSITIVE_INFINITY) return 2.5758293035489;
  return studentTQuantile((1 + LEVEL) / 2, degreesOfFreedom);
}

/** What the spread of the rounds' means would make the variance of a single pair. */
function betweenRounds(rounds: readonly (readonly number[])[], mean: number): number {
  const squares = rounds.reduce((sum, round) => sum + round.length * (computeMean(round) - mean) ** 2, 0);
  return squares / (rounds.length - 1);
}

function computeMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function computeVariance(values: readonly number[]): number {
  return squaresAbout(values, computeMean(values)) / (values.length - 1);
}

function squaresAbout(values: readonly number[], centre: number): number {
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
}
