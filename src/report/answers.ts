import type { TrialRecord } from "../results/record-types.js";
import type { RunData } from "../results/run-data.js";

/** What one configuration said to one prompt; repeats that said the same stand together. */
export interface Answer {
  readonly configuration: string;
  readonly isReference: boolean;
  /** 1-based repeats with this answer. */
  readonly repeats: readonly number[];
  /** Null when the trial failed. */
  readonly text: string | null;
  readonly outputTokens: number | null;
  /** Code of the failure; null when there is an answer. */
  readonly failure: string | null;
  /** Whether the tokens equal the reference's first answer; null for the reference itself and where there is none. */
  readonly equalsReference: boolean | null;
}

export interface Question {
  readonly promptId: string;
  readonly prompt: string;
  readonly answers: readonly Answer[];
}

/** All answers, question by question, configurations in the order of running. */
export function questionsOf(data: RunData): readonly Question[] {
  return data.run.prompts.map(({ prompt_index, prompt_id, prompt }) => {
    const ofPrompt = (trials: readonly TrialRecord[]) =>
      trials.filter((trial) => trial.prompt_index === prompt_index);
    const reference = data.configurations.find(({ plan }) => plan.is_reference);
    const referenceHash =
      ofPrompt(reference?.trials ?? [])
        .map(hashOf)
        .find((hash) => hash !== null) ?? null;
    const answers = data.configurations.flatMap(({ plan, trials }) =>
      grouped(ofPrompt(trials)).map(
        (same): Answer => ({
          configuration: plan.worker.label,
          isReference: plan.is_reference,
          repeats: same.map(({ repeat }) => repeat + 1),
          ...contentOf(same[0] as TrialRecord),
          equalsReference:
            plan.is_reference || referenceHash === null || hashOf(same[0] as TrialRecord) === null
              ? null
              : hashOf(same[0] as TrialRecord) === referenceHash,
        }),
      ),
    );
    return { promptId: prompt_id, prompt, answers };
  });
}

function hashOf(trial: TrialRecord): string | null {
  return trial.status === "completed" ? trial.measurement.output_ids_sha256 : null;
}

function contentOf(trial: TrialRecord): Pick<Answer, "text" | "outputTokens" | "failure"> {
  if (trial.status === "failed") return { text: null, outputTokens: null, failure: trial.failure.code };
  const { output_text, output_tokens } = trial.measurement;
  return { text: output_text, outputTokens: output_tokens, failure: null };
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
