/** The first records of a run, or of a resumed run. */
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { Plan } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import { environmentChanges } from "../run/identity.js";
import type { SessionWork } from "../run/plan-progress.js";
import type { RecordedEnvironment } from "../run/record-types.js";
import type { RunContext } from "./executor.js";
import { record } from "./recorder.js";

export async function recordRun(plan: Plan, context: RunContext): Promise<void> {
  const prompts = new Map(
    plan.trials.map(({ prompt_index, prompt_id, prompt }) => [
      prompt_index,
      { prompt_index, prompt_id, prompt },
    ]),
  );
  await record(context, "run", {
    falcon_exp_version: context.falconExpVersion,
    plan: plan.header,
    configurations: [...plan.configurations],
    blocks: [...plan.blocks],
    prompts: [...prompts.values()],
    controller: context.controller,
  });
}

export async function recordResume(
  context: RunContext,
  resumed: {
    readonly left: readonly SessionWork[];
    readonly retryFailed: boolean;
    readonly environmentChanges: readonly string[];
  },
): Promise<void> {
  const measured = resumed.left.filter(({ session }) => session.role === "measure");
  await record(context, "resume", {
    falcon_exp_version: context.falconExpVersion,
    controller: context.controller,
    retry_failed: resumed.retryFailed,
    blocks_left: resumed.left.length,
    trials_left: measured.reduce((sum, { trials }) => sum + trials.length, 0),
    environment_changes: [...resumed.environmentChanges],
  });
}

/**
 * Returns what has changed since the run was measured before, if the user accepts changes. Throws FalconError
 * `resume-environment-changed` if not, because values from two environments would be compared as if they came from one.
 */
export function acceptedChanges(
  before: RecordedEnvironment | null,
  now: WorkerEnvironment,
  accept: boolean,
): readonly string[] {
  if (before === null) return [];
  const { known, unrecorded } = environmentChanges(before, now);
  const changes = unrecorded === null ? known : [...known, unrecorded];
  // What was not recorded may not have changed at all.
  if (known.length === 0 || accept) return changes;
  throw new FalconError({
    code: "resume-environment-changed",
    message: `This run was measured with other libraries or on another machine: ${changes.join("; ")}.`,
    next: "Start a new run, or restore them (--python names the environment); --accept-changes resumes anyway and records the change.",
    exitCode: ExitCode.resultsFailed,
  });
}
