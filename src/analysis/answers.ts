import { referenceIdOf } from "../plan/plan-types.js";
import type { PromptContent } from "../protocol/prompt.js";
import type { CompletedTrial, TrialRecord } from "../run/record-types.js";
import type { RunData } from "../run/run-data.js";
import type { ComparedAnswer } from "./answer-diff.js";

/** A configuration's answer to one prompt; repeats with the same answer are combined. */
export interface Answer {
  /** Label. */
  readonly configuration: string;
  readonly configurationId: string;
  readonly isReference: boolean;
  /** Id of the configuration that its answers are compared with. */
  readonly referenceId: string;
  /** 1-based repeats with this answer. */
  readonly repeats: readonly number[];
  /** Null if the trial failed. */
  readonly text: string | null;
  readonly outputTokens: number | null;
  /** Token ids. Null in old records, and if the trial failed. */
  readonly ids: readonly number[] | null;
  /** Ids and texts of the tokens. Null if the records lack them, or if the texts joined together are not the answer. */
  readonly tokens: ComparedAnswer["tokens"];
  /** Code of the failure. Null if there is an answer. */
  readonly failure: string | null;
  /**
   * Whether the tokens equal those of the reference's first answer. Null for the reference itself, and if either has no answer.
   */
  readonly equalsReference: boolean | null;
}

export interface Question {
  readonly promptId: string;
  readonly prompt: PromptContent;
  readonly answers: readonly Answer[];
}

/** Returns all answers, question by question, with the configurations in the order in which they ran. */
export function collectQuestions(data: RunData): readonly Question[] {
  const byPrompt = new Map(data.configurations.map(({ trials }) => [trials, groupByPrompt(trials)]));
  return data.run.prompts.map(({ prompt_index, prompt_id, prompt }) => {
    const ofPrompt = (trials: readonly TrialRecord[]) => byPrompt.get(trials)?.get(prompt_index) ?? [];
    const referenceHashes = new Map(
      data.configurations.map(({ plan, trials }) => [
        plan.worker.id,
        ofPrompt(trials)
          .map(readHash)
          .find((hash) => hash !== null) ?? null,
      ]),
    );
    const answers = data.configurations.flatMap(({ plan, trials }) => {
      const referenceId = referenceIdOf(plan, data.run.plan);
      const referenceHash = referenceHashes.get(referenceId) ?? null;
      return grouped(ofPrompt(trials)).map(
        (same): Answer => ({
          configuration: plan.worker.label,
          configurationId: plan.worker.id,
          isReference: plan.is_reference,
          referenceId,
          repeats: same.map(({ repeat }) => repeat + 1),
          ...readContent(same[0] as TrialRecord),
          equalsReference:
            plan.is_reference || referenceHash === null || readHash(same[0] as TrialRecord) === null
              ? null
              : readHash(same[0] as TrialRecord) === referenceHash,
        }),
      );
    });
    return { promptId: prompt_id, prompt, answers };
  });
}

function groupByPrompt(trials: readonly TrialRecord[]): ReadonlyMap<number, readonly TrialRecord[]> {
  const groups = new Map<number, TrialRecord[]>();
  for (const trial of trials) {
    const known = groups.get(trial.prompt_index);
    if (known === undefined) groups.set(trial.prompt_index, [trial]);
    else known.push(trial);
  }
  return groups;
}

function readHash(trial: TrialRecord): string | null {
  return trial.status === "completed" ? trial.measurement.output_ids_sha256 : null;
}

type Content = "text" | "outputTokens" | "ids" | "tokens" | "failure";

function readContent(trial: TrialRecord): Pick<Answer, Content> {
  if (trial.status === "failed") {
    return { text: null, outputTokens: null, ids: null, tokens: null, failure: trial.failure.code };
  }
  const { output_text, output_tokens, output_ids } = trial.measurement;
  return {
    text: output_text,
    // In a batch, `output_tokens` counts the tokens of all rows.
    outputTokens: output_ids?.length ?? output_tokens,
    ids: output_ids,
    tokens: readTokens(trial),
    failure: null,
  };
}

export function readTokens({ measurement }: CompletedTrial): ComparedAnswer["tokens"] {
  const { output_ids: ids, output_pieces: pieces, output_text } = measurement;
  if (ids === null || pieces === null || ids.length !== pieces.length) return null;
  return pieces.join("") === output_text ? { ids, pieces } : null;
}

function grouped(trials: readonly TrialRecord[]): readonly (readonly TrialRecord[])[] {
  const groups = new Map<string, TrialRecord[]>();
  for (const trial of trials) {
    const key =
      trial.status === "completed" ? trial.measurement.output_ids_sha256 : `failed ${trial.failure.code}`;
    groups.set(key, [...(groups.get(key) ?? []), trial]);
  }
  return [...groups.values()];
}
