import { computeMedian } from "../base/statistics.js";
import { chooseMemoryMetric, type MemoryMetric } from "../metrics/memory.js";
import { findRound, pairTrials } from "../run/pair-trials.js";
import { FEWEST_PAIRS } from "../run/ratio-precision.js";
import type { CompletedTrial, RecordedTrial } from "../run/record-types.js";
import { type ConfigurationData, completedTrials, findRunningProof } from "../run/run-data.js";
import type { Comparison, Effect } from "../run/summary-schema.js";
import { answerDivergence } from "./divergence.js";
import { type PairedRatio, pairedRatio, type RatioPair, type Unit } from "./paired-ratio.js";
import { computeVerdict, SMALLEST_DIFFERENCE } from "./significance.js";

export interface ComparisonOptions {
  readonly smallestDifference: number;
}

/** What the sentence on a comparison needs in addition to what `summary.json` has. */
export interface ComparisonBasis {
  readonly memory: PairedRatio | null;
  /** The kind of memory that the pairs have; null if they have none. */
  readonly memoryMetric: MemoryMetric | null;
  readonly time: PairedRatio | null;
  readonly perToken: PairedRatio | null;
  /** Tokens per second over all rows of a batch. Null if both have batches of the same size. */
  readonly batchRate: PairedRatio | null;
  /** Median numbers of tokens of the answers. */
  readonly answerTokens: readonly [own: number | null, reference: number | null];
  /** The trials of the disturbed pairs, if too few others are left to judge times by. Null if times are judged. */
  readonly disturbed: readonly CompletedTrial[] | null;
}

export type ComparisonFigures = Omit<Comparison, "sentence"> & { readonly basis: ComparisonBasis };

export type TrialPair = readonly [own: CompletedTrial, reference: CompletedTrial];

/**
 * Compares a configuration with its reference. Null if it is the reference itself, or if neither trials nor weights can be
 * compared.
 */
export function compareWithReference(
  configuration: ConfigurationData,
  reference: ConfigurationData | null,
  { smallestDifference }: ComparisonOptions = { smallestDifference: SMALLEST_DIFFERENCE },
): ComparisonFigures | null {
  if (reference === null || reference === configuration) return null;
  const pairs = pairTrials(completedTrials(configuration), completedTrials(reference));
  const weights = findRunningProof(configuration)?.weights_bytes ?? null;
  const referenceWeights = findRunningProof(reference)?.weights_bytes ?? null;
  const haveWeights = weights !== null && referenceWeights !== null && referenceWeights > 0;
  if (pairs.length === 0 && !haveWeights) return null;
  const metric = chooseMemoryMetric(pairs.map(([own]) => own.measurement));
  const isSameMetric = metric === chooseMemoryMetric(pairs.map(([, other]) => other.measurement));
  const memory =
    metric === null || !isSameMetric
      ? null
      : pairedRatio(
          pairValues(pairs, (one) => one[metric]),
          { unit: "load" },
        );
  const { timed, quiet, isJudged } = pickTimed(pairs);
  const time = pairedRatio(pairValues(timed, ({ elapsed_sec }) => elapsed_sec));
  const perToken = pairedRatio(pairValues(timed, ({ tpot_sec }) => tpot_sec));
  const haveOtherLengths = pairs.some(
    ([own, other]) => own.measurement.output_tokens !== other.measurement.output_tokens,
  );
  const haveOtherBatches = configuration.plan.batch_size !== reference.plan.batch_size;
  const judgedBy = (haveOtherLengths || haveOtherBatches) && perToken !== null ? "time_per_token" : "time";
  const equal = pairs.filter(
    ([own, other]) => own.measurement.output_ids_sha256 === other.measurement.output_ids_sha256,
  ).length;
  // The tokens that fill the cache before a prompt are part of what is answered.
  const areAnswersComparable = configuration.plan.generation.depth === reference.plan.generation.depth;
  const divergence = areAnswersComparable ? answerDivergence(pairs) : null;
  const medianTokens = (side: 0 | 1) =>
    computeMedian(pairs.map((pair) => pair[side].measurement.output_tokens));
  const timeEffect = (measured: PairedRatio | null) =>
    isJudged ? computeEffect(measured, smallestDifference) : withholdVerdict(measured);
  return {
    pairs: pairs.length,
    pairs_disturbed: pairs.length - quiet,
    weights_ratio: haveWeights ? weights / referenceWeights : null,
    memory: computeEffect(memory, smallestDifference),
    time: timeEffect(time),
    time_per_token: timeEffect(perToken),
    judged_by: judgedBy,
    answers_equal: equal,
    answer_divergence: divergence,
    basis: {
      memory,
      memoryMetric: metric,
      time,
      perToken,
      batchRate: haveOtherBatches
        ? pairedRatio(pairValues(timed, ({ batch_tokens_per_sec }) => batch_tokens_per_sec))
        : null,
      answerTokens: [medianTokens(0), medianTokens(1)],
      disturbed: isJudged ? null : pairs.filter(isDisturbed).flat(),
    },
  };
}

export function computeEffect(measured: PairedRatio | null, smallestDifference?: number): Effect | null {
  if (measured === null) return null;
  const { ratio, pairs, loads, interval } = measured;
  return {
    ratio,
    pairs,
    loads,
    ci99_low: interval?.[0] ?? null,
    ci99_high: interval?.[1] ?? null,
    verdict: computeVerdict(measured, smallestDifference),
  };
}

/** Keeps the ratio of the few pairs there are, without an interval, which would promise too much. */
function withholdVerdict(measured: PairedRatio | null): Effect | null {
  const effect = computeEffect(measured);
  return effect === null ? null : { ...effect, ci99_low: null, ci99_high: null, verdict: "disturbed" };
}

/**
 * Picks the pairs that times are computed from: the undisturbed ones if there are any, else all. Times are judged only if nothing
 * was disturbed or enough undisturbed pairs are left, and not of one load only if there were several: what one load does to all
 * of its pairs would not show.
 */
function pickTimed(pairs: readonly TrialPair[]) {
  const quiet = pairs.filter((pair) => !isDisturbed(pair));
  const isOneLoadLeft = countLoads(quiet) === 1 && countLoads(pairs) > 1;
  const isJudged = quiet.length === pairs.length || (quiet.length >= FEWEST_PAIRS && !isOneLoadLeft);
  return { timed: quiet.length > 0 ? quiet : pairs, quiet: quiet.length, isJudged };
}

function countLoads(pairs: readonly TrialPair[]): number {
  return new Set(pairs.map(findRound)).size;
}

function isDisturbed([own, reference]: TrialPair): boolean {
  return own.disturbed_by.length + reference.disturbed_by.length > 0;
}

/** The values of those pairs in which both trials have one. */
function pairValues(
  pairs: readonly TrialPair[],
  read: (measurement: RecordedTrial) => number | null,
): RatioPair[] {
  return pairs.flatMap((pair) => {
    const [own, reference] = pair;
    const [mine, its] = [read(own.measurement), read(reference.measurement)];
    if (mine === null || its === null) return [];
    const paces = [readPace(own.measurement), readPace(reference.measurement)] as const;
    return [{ own: mine, reference: its, round: findRound(pair), paces }];
  });
}

/** Seconds per token, which hardly depends on the prompt. */
function readPace({ tpot_sec, elapsed_sec, output_tokens }: RecordedTrial): number {
  return tpot_sec ?? elapsed_sec / Math.max(1, output_tokens);
}

/**
 * Standard deviation assumed between times of the same work in two runs, in addition to how much their loads differ: between the
 * runs the machine itself changed, and two runs do not show by how much. docs/benchmarks.md explains the value.
 */
const RUN_SPREAD = 0.08;

/**
 * Compares a metric over pairs of trials. A metric that other work on the machine disturbs is compared over undisturbed pairs if
 * there are any, and gets no verdict if too few of them are left.
 */
export function comparePairs(
  pairs: readonly TrialPair[],
  read: (measurement: RecordedTrial) => number | null,
  {
    isTimed,
    unit,
    smallestDifference,
    areOfTwoRuns,
  }: {
    readonly isTimed: boolean;
    readonly unit: Unit;
    readonly smallestDifference: number;
    readonly areOfTwoRuns: boolean;
  },
): Effect | null {
  const { timed, isJudged } = isTimed ? pickTimed(pairs) : { timed: pairs, isJudged: true };
  const runSpread = isTimed && areOfTwoRuns ? RUN_SPREAD : 0;
  const measured = pairedRatio(pairValues(timed, read), { unit, runSpread });
  return isJudged ? computeEffect(measured, smallestDifference) : withholdVerdict(measured);
}
