/** Rounds that follow the planned ones if a ratio is not known well enough, or if a load was lost to other work: what they measure. */
import { planLoadSessions } from "./load-sessions.js";
import type { LoadSession, Plan, PlanHeader, PlanTrial } from "./plan-types.js";

/**
 * The most that may follow: with eight loads each, a ratio of 1.3 is found in most runs whose loads differ by 13 %
 * (bench/simulation.ts).
 */
export const MOST_FURTHER_ROUNDS = 6;

/** Every load that a further round may have, in the order of running. The records show which of them are needed. */
export function planFurtherSessions(plan: Plan, round: number): readonly LoadSession[] {
  const { rounds, order_seed } = plan.header;
  const ids = plan.configurations.map(({ worker }) => worker.id);
  const all = planLoadSessions(ids, {
    rounds: round + 1,
    seed: order_seed,
    referenceIds: null,
    driftProbeId: null,
  });
  const before = ids.length * rounds;
  // In a slice, indexes are those of the whole plan.
  const next = Math.max(-1, ...plan.blocks.map(({ index }) => index)) + 1;
  return all
    .filter((session) => session.round === round)
    .map((session) => ({ ...session, index: next + session.index - before }));
}

/** The trials of one load of a further round: as many as in a planned load, with the same prompts but repeats of their own. */
export function planFurtherTrials(
  { header, trials }: Pick<Plan, "header" | "trials">,
  configurationId: string,
  round: number,
): readonly PlanTrial[] {
  const own = trials.filter(({ configuration_id }) => configuration_id === configurationId);
  const rounds = Array.from({ length: round - header.rounds + 1 }, (_, index) => header.rounds + index);
  const further = rounds.flatMap((one) => repeatTrials(own, header, one));
  return further
    .map((trial, position) => ({ ...trial, index: own.length + position }))
    .filter((trial) => trial.round === round);
}

function repeatTrials(
  own: readonly PlanTrial[],
  { rounds, rounds_share_trials: isShared, repeats }: PlanHeader,
  round: number,
): readonly PlanTrial[] {
  // If the planned rounds share the trials, so do the further ones: together they measure every prompt once more.
  const repeatsBefore = repeats * (isShared ? Math.floor(round / rounds) : round);
  return own
    .filter((trial) => trial.round === (isShared ? round % rounds : 0))
    .map((trial) => {
      const repeat = trial.repeat + repeatsBefore;
      const id = `${trial.configuration_id}/p${trial.prompt_index + 1}/r${repeat + 1}`;
      return { ...trial, id, repeat, round };
    });
}
