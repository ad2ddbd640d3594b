/** Which configurations are loaded once more, because their ratio is not known well enough yet. */
import { planFurtherSessions } from "../plan/further-rounds.js";
import { type LoadSession, type Plan, referenceIdOf } from "../plan/plan-types.js";
import { findRound, pairTrials } from "./pair-trials.js";
import type { PlanProgress, RemainingWorkOptions, SessionWork, TrialRate } from "./plan-progress.js";
import { FEWEST_PAIRS, findUncertainty } from "./ratio-precision.js";

export interface FurtherLoads {
  /** In the order of running. */
  readonly sessions: readonly LoadSession[];
  /**
   * The largest uncertainty of the ratios that made these loads necessary: 0.2 is ±20 %. Infinite if a ratio rests on one load,
   * because all trials of the other were disturbed; 0 if there are no loads.
   */
  readonly uncertainty: number;
}

/**
 * Finds the loads of a further round, judged by the records of the rounds before it: a configuration and its reference are
 * loaded again if their trials and loads vary so much that their ratio is not known well enough, or if all trials of a load were
 * disturbed. The difference between the two plays no part: measuring until a difference shows would find one.
 */
export function findFurtherLoads(plan: Plan, progress: PlanProgress, round: number): FurtherLoads {
  const needed = new Set<string>();
  let largest = 0;
  for (const configuration of plan.configurations) {
    const own = configuration.worker.id;
    const reference = referenceIdOf(configuration, plan.header);
    if (own === reference) continue;
    const uncertainty = judgeLoads(
      pairLoads(progress.listTrialRates(own, round), progress.listTrialRates(reference, round)),
    );
    if (uncertainty === null) continue;
    for (const id of [own, reference]) needed.add(id);
    largest = Math.max(largest, uncertainty);
  }
  if (needed.size === 0) return { sessions: [], uncertainty: 0 };
  const sessions = planFurtherSessions(plan, round).filter(({ configuration_id }) =>
    needed.has(configuration_id),
  );
  return { sessions, uncertainty: largest };
}

/** Numbers of the rounds that may follow the planned ones. */
export function listFurtherRounds({ header: { rounds, further_rounds } }: Plan): readonly number[] {
  return Array.from({ length: further_rounds }, (_, index) => rounds + index);
}

/** Every load after the planned rounds that the records call for so far, measured or not; in the order of running. */
export function listFurtherSessions(plan: Plan, progress: PlanProgress): readonly LoadSession[] {
  return listFurtherRounds(plan).flatMap((round) => findFurtherLoads(plan, progress, round).sessions);
}

/** What is left of these loads. */
export function listFurtherWork(
  plan: Plan,
  progress: PlanProgress,
  options: RemainingWorkOptions,
): readonly SessionWork[] {
  return listFurtherSessions(plan, progress).flatMap(
    (session) => progress.findRemainingWork(session, options) ?? [],
  );
}

/** One load of a configuration and one of its reference: logarithms of the rates of their undisturbed pairs of trials. */
interface PairedLoad {
  readonly own: number[];
  readonly reference: number[];
  /** Disturbed ones included. */
  pairs: number;
}

/** Pairs trials, and groups the pairs by load, as a comparison of the two does. */
function pairLoads(own: readonly TrialRate[], reference: readonly TrialRate[]): readonly PairedLoad[] {
  const loads = new Map<number, PairedLoad>();
  for (const pair of pairTrials(own, reference)) {
    const [trial, other] = pair;
    const round = findRound(pair);
    const load = loads.get(round) ?? { own: [], reference: [], pairs: 0 };
    loads.set(round, load);
    load.pairs += 1;
    if (trial.tokensPerSec === null || other.tokensPerSec === null) continue;
    load.own.push(Math.log(trial.tokensPerSec));
    load.reference.push(Math.log(other.tokensPerSec));
  }
  return [...loads].toSorted(([a], [b]) => a - b).map(([, load]) => load);
}

/** Returns how uncertain the ratio is if that calls for more loads, else null. */
function judgeLoads(loads: readonly PairedLoad[]): number | null {
  const quiet = loads.filter(({ own }) => own.length > 0);
  const [first] = quiet;
  if (first === undefined) return null;
  // One load lost to other work is made up for. If the other load was mostly disturbed too, the machine is busy, and more loads
  // would be disturbed as well.
  if (quiet.length === 1 && loads.length > 1) {
    return 2 * first.own.length >= first.pairs ? Number.POSITIVE_INFINITY : null;
  }
  const pairs = quiet.reduce((sum, { own }) => sum + own.length, 0);
  if (pairs < FEWEST_PAIRS) return null;
  return findUncertainty(
    quiet.map(({ own }) => own),
    quiet.map(({ reference }) => reference),
  );
}
