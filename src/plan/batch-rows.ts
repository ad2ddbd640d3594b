/** Which prompts a trial of a larger batch answers together. */
import type { PromptContent } from "../protocol/prompt.js";
import type { PlanTrial } from "./plan-types.js";

type PromptOfTrial = Pick<PlanTrial, "prompt_index" | "prompt_id" | "prompt">;

/**
 * The trial's own prompt, then the next ones of the list, from its beginning again after its end. So a trial is of the same prompt
 * whatever its batch, every prompt is in as many batches, and rows differ wherever there are prompts enough: equal rows would
 * send a mixture of experts to a few of them and be faster than any real work. `trials`: those whose prompts can be read.
 */
export function listBatchRows<T extends PromptOfTrial>(
  trial: T,
  trials: readonly T[],
  batchSize: number,
): readonly T[] {
  const byPrompt = new Map([...trials, trial].map((one) => [one.prompt_index, one]));
  const prompts = [...byPrompt.values()].toSorted((a, b) => a.prompt_index - b.prompt_index);
  const own = prompts.findIndex(({ prompt_index }) => prompt_index === trial.prompt_index);
  return Array.from({ length: batchSize }, (_, row) => prompts[(own + row) % prompts.length] ?? trial);
}

/** As the worker is asked for them. */
export function describePrompts(rows: readonly PromptOfTrial[]): {
  prompt: PromptContent;
  further_prompts?: PromptContent[];
} {
  const [first, ...further] = rows.map(({ prompt }) => prompt);
  return { prompt: first ?? "", ...(further.length === 0 ? {} : { further_prompts: further }) };
}
