/** Checks which prompts a loaded model can answer, before anything is measured. */
import type { PlanTrial } from "../plan/plan-types.js";
import type { Failure } from "../run/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { RequestHandlers } from "../worker/open-request.js";
import type { Worker } from "../worker/worker.js";
import type { LoadJob } from "./load-job.js";

/**
 * Returns for each prompt of a configuration, by its index, why it cannot be answered; null = it can. Checks the prompts of all
 * rounds, because a batch may contain prompts of another round's trials. Ends early, without the rest, if `isStopping` returns
 * true.
 */
export async function checkPrompts(
  { configuration, plan, implied }: LoadJob,
  worker: Worker,
  handlers: () => RequestHandlers,
  isStopping: () => boolean,
): Promise<ReadonlyMap<number, Failure | null>> {
  const checked = new Map<number, Failure | null>();
  for (const [prompt, { failure }] of implied.prompts) checked.set(prompt, failure);
  const { generation } = configuration;
  for (const { prompt, prompt_index, prompt_id } of listOwn(plan.trials, configuration.worker.id)) {
    if (isStopping()) break;
    if (checked.has(prompt_index)) continue;
    const failure = await worker.ask("check_prompt", { prompt, generation }, handlers()).then(
      () => null,
      (error: unknown) => failureOfPrompt(error, prompt_id),
    );
    checked.set(prompt_index, failure);
  }
  return checked;
}

/** Returns a configuration's trials of all rounds. */
export function listOwn(trials: readonly PlanTrial[], configurationId: string): readonly PlanTrial[] {
  return trials.filter(({ configuration_id }) => configuration_id === configurationId);
}

/** Returns the failure of one prompt, with the prompt's id in the message. Rethrows errors that end more than this prompt. */
function failureOfPrompt(error: unknown, promptId: string): Failure {
  if (!(error instanceof WorkerFailure) || !error.details.trialProcessAlive) throw error;
  const failure = error.toRecord();
  return { ...failure, message: `Prompt ${promptId}: ${failure.message}` };
}
