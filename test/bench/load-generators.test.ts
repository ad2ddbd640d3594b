import { describe, expect, test } from "vitest";
import {
  COMPARISONS_A_RUN,
  describeExperiment,
  type ExperimentName,
} from "../../bench/load-generators/experiments.js";
import { describeOutcomes, type Outcome, readOutcome } from "../../bench/load-generators/outcomes.js";
import { planExperiment } from "../fixtures/experiments.js";

const outcome = (number: number, verdict: string): Outcome => ({
  experiment: "identical",
  number,
  model: 0,
  exit_code: 0,
  elapsed_sec: 20,
  ...readOutcome(null),
  verdict,
});

describe("comparisons whose truth is known", () => {
  test.each<ExperimentName>(["identical", "different"])(
    "%s compares two configurations of each model over ten pairs in two loads, as the default plans them",
    async (name) => {
      const { header, configurations } = await planExperiment(describeExperiment(name));
      expect(header).toMatchObject({ experiment: name, rounds: 2, rounds_share_trials: true, trials: 100 });
      expect(configurations.map(({ is_reference }) => is_reference)).toEqual(
        Array.from({ length: COMPARISONS_A_RUN }, () => [true, false]).flat(),
      );
    },
  );

  test("are counted by verdict: a claim is one of a difference, whichever way, and what was withheld is told", () => {
    const verdicts = ["within-noise", "less", "more", "disturbed", "within-noise", "failed"];
    const outcomes = verdicts.map((verdict, index) => outcome(index + 1, verdict));
    expect(describeOutcomes("identical", outcomes)).toBe(
      "identical, 6 comparisons: within-noise 2, less 1, more 1, disturbed 1, failed 1; time called different 2, time per token 0, peak memory 0; withheld 1",
    );
    expect(describeOutcomes("different", outcomes)).toContain("found slower 1, called faster 1; withheld 1");
  });
});
