/** Finds what a run's records lack although none of their lines is damaged: a line that was removed leaves no other trace. */
import { pluralize } from "../base/text.js";
import { countTrialsEach } from "../plan/plan-types.js";
import type { FailureLike } from "./session-state.js";
import type { RunState, StateRecord } from "./state.js";

/** The keys of a run record that tell how many trials there must be. */
export interface PlannedTrials {
  readonly plan: Parameters<typeof countTrialsEach>[0] & {
    /** Null if the plan says how many repeats there are; otherwise the run decided that. */
    readonly auto_repeats?: unknown;
  };
  readonly prompts: readonly unknown[];
  readonly configurations: readonly { readonly worker: { readonly id: string; readonly label: string } }[];
}

/** Returns one sentence per problem; none if everything is there. */
export function findRecordGaps<R extends StateRecord<F>, F extends FailureLike>(
  state: RunState<R, F>,
  { plan, prompts, configurations }: PlannedTrials,
): readonly string[] {
  const known = new Set(configurations.map(({ worker }) => worker.id));
  const strangers = state.configurationIds().filter((id) => !known.has(id));
  const planned = countTrialsEach(plan, prompts.length);
  const missing = configurations.flatMap(({ worker: { id, label } }) => {
    const one = state.configuration(id);
    const isComplete = plan.auto_repeats == null && one.readStatus(plan.rounds) === "completed";
    const count = isComplete ? planned + one.countFurtherTrials(plan.rounds) - one.trials.length : 0;
    return count > 0 ? [`${label}: ${describeMissing(count)}`] : [];
  });
  if (strangers.length === 0) return missing;
  const others = pluralize(strangers.length, "configuration");
  return [...missing, `records of ${others} that are not part of this run are left out`];
}

function describeMissing(count: number): string {
  return count === 1
    ? "1 measured trial is missing from the records (run --resume measures it again)"
    : `${count} measured trials are missing from the records (run --resume measures them again)`;
}
