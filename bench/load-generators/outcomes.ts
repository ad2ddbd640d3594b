/** The verdicts of runs, one by one and counted. */
import type { Comparison } from "../../src/run/summary-schema.js";
import type { ExperimentName } from "./experiments.js";

/** The outcome of one comparison. A run has several, each of a different model. */
export interface Outcome {
  readonly experiment: ExperimentName;
  /** Number of the run. */
  readonly number: number;
  /** Number of the model, from 0. */
  readonly model: number;
  readonly exit_code: number | null;
  readonly elapsed_sec: number;
  /** Verdict on the time that the sentence judges; `failed` if the run failed, `none` if it judged nothing. */
  readonly verdict: string;
  readonly ratio: number | null;
  readonly ci99: readonly [number | null, number | null];
  readonly loads: number | null;
  readonly pairs: number;
  readonly pairs_disturbed: number;
  /** Verdicts on the other metrics, which are also the same for both configurations. */
  readonly time_per_token: string | null;
  readonly memory: string | null;
  readonly sentence: string | null;
}

/** `comparison`: null if the run failed. */
export function readOutcome(
  comparison: Comparison | null,
): Omit<Outcome, "experiment" | "number" | "model" | "exit_code" | "elapsed_sec"> {
  const judged = comparison?.[comparison.judged_by] ?? null;
  return {
    verdict: comparison === null ? "failed" : (judged?.verdict ?? "none"),
    ratio: judged?.ratio ?? null,
    ci99: [judged?.ci99_low ?? null, judged?.ci99_high ?? null],
    loads: judged?.loads ?? null,
    pairs: comparison?.pairs ?? 0,
    pairs_disturbed: comparison?.pairs_disturbed ?? 0,
    time_per_token: comparison?.time_per_token?.verdict ?? null,
    memory: comparison?.memory?.verdict ?? null,
    sentence: comparison?.sentence ?? null,
  };
}

const isClaim = (verdict: string | null) => verdict === "less" || verdict === "more";

/** `identical, 100 comparisons: within-noise 61, disturbed 37, same 2; a time called different 0 …`. */
export function describeOutcomes(name: ExperimentName, outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { verdict } of outcomes) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const told = [...counts].sort(([, a], [, b]) => b - a).map(([verdict, count]) => `${verdict} ${count}`);
  const count = (read: (one: Outcome) => string | null) =>
    outcomes.filter((one) => isClaim(read(one))).length;
  const found = outcomes.filter(({ verdict }) => verdict === "more").length;
  const claims =
    name === "identical"
      ? `time called different ${count(({ verdict }) => verdict)}, time per token ${count((one) => one.time_per_token)}, peak memory ${count(({ memory }) => memory)}`
      : `found slower ${found}, called faster ${count(({ verdict }) => verdict) - found}`;
  const withheld = outcomes.filter(({ verdict }) => verdict === "disturbed").length;
  return `${name}, ${outcomes.length} comparisons: ${told.join(", ")}; ${claims}; withheld ${withheld}`;
}
