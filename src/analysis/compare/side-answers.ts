/** What the sides of a comparison answered, question by question. */
import type { PromptContent } from "../../protocol/prompt.js";
import { completedTrials } from "../../run/run-data.js";
import type { ComparedAnswer } from "../answer-diff.js";
import { readTokens } from "../answers.js";
import type { Group, Side } from "./sides.js";

export interface ComparedQuestion {
  readonly prompt: PromptContent;
  /** One per side: its first answer; null if it has none. */
  readonly answers: readonly (ComparedAnswer | null)[];
}

export function listQuestions({ sides }: Group): readonly ComparedQuestion[] {
  const [baseline] = sides;
  if (baseline === undefined) return [];
  return baseline.data.run.prompts.map(({ prompt, prompt_index }) => ({
    prompt,
    answers: sides.map((side) => findAnswer(side, prompt_index)),
  }));
}

function findAnswer({ configuration }: Side, promptIndex: number): ComparedAnswer | null {
  const trial = completedTrials(configuration).find(({ prompt_index }) => prompt_index === promptIndex);
  return trial === undefined ? null : { text: trial.measurement.output_text, tokens: readTokens(trial) };
}
