import { describe, expect, test } from "vitest";
import { EXPERIMENTS, type ExperimentName } from "../../bench/load-generators/experiments.js";
import { describeOutcomes, type RunOutcome, readOutcome } from "../../bench/load-generators/outcomes.js";
import { planExperiment } from "../fixtures/experiments.js";

const outcome = (number: number, verdict: string): RunOutcome => ({
  experiment: "identical",
  number,
  exit_code: 0,
  elapsed_sec: 20,
  ...readOutcome(null),
  verdict,
});

describe("runs whose truth is known", () => {
  test.each<ExperimentName>(["identical", "different"])(
    "%s compares two configurations over ten pairs in two loads, as the default plans them",
    async (name) => {
      const { header, configurations } = await planExperiment(EXPERIMENTS[name]);
      expect(header).toMatchObject({ experiment: name, rounds: 2, rounds_share_trials: true, trials: 20 });
      expect(configurations.map(({ is_reference }) => is_reference)).toEqual([true, false]);
    },
  );

  test("are counted by verdict: a claim is one of a difference, whichever way, and what was withheld is told", () => {
    const verdicts = ["within-noise", "less", "more", "disturbed", "within-noise", "failed"];
    const outcomes = verdicts.map((verdict, index) => outcome(index + 1, verdict));
    expect(describeOutcomes("identical", outcomes)).toBe(
      "identical, 6 runs: within-noise 2, less 1, more 1, disturbed 1, failed 1; time called different 2, time per token 0, peak memory 0; withheld 1",
    );
    expect(describeOutcomes("different", outcomes)).toContain("found slower 1, called faster 1; withheld 1");
  });
});
