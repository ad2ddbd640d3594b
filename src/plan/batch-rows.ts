/** Chooses the prompts that a trial with a batch size above 1 answers together. */
import type { PromptContent } from "../protocol/prompt.js";
import type { PlanTrial } from "./plan-types.js";

type PromptOfTrial = Pick<PlanTrial, "prompt_index" | "prompt_id" | "prompt">;

/**
 * The trial's own prompt, then the next ones of the list, which starts again at its end. A trial therefore begins with the same
 * prompt whatever its batch size, every prompt is in equally many batches, and rows differ if there are enough prompts: with
 * equal rows, a mixture of experts would use only a few of its experts and be faster than any real work. `trials`: those whose
 * prompts can be read.
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

/** The prompts in the form in which they are sent to the worker. */
export function describePrompts(rows: readonly PromptOfTrial[]): {
  prompt: PromptContent;
  further_prompts?: PromptContent[];
} {
  const [first, ...further] = rows.map(({ prompt }) => prompt);
  return { prompt: first ?? "", ...(further.length === 0 ? {} : { further_prompts: further }) };
}
