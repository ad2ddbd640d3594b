import fc from "fast-check";
import { expect, test } from "vitest";
import {
  MOST_FURTHER_ROUNDS,
  planFurtherSessions,
  planFurtherTrials,
} from "../../src/plan/further-rounds.js";
import { joinParts, splitPlan } from "../../src/plan/slices.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";

const plan = (prompts: readonly string[], ...lines: readonly string[]) =>
  planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", ...lines).replace("[hello]", `[${prompts.join(", ")}]`),
  );

test("a further load measures what a planned one does, with repeats of its own", async () => {
  const planned = await plan(["a", "b", "c", "d", "e"]);
  const [third, fourth] = [2, 3].map((round) => planFurtherTrials(planned, "fp4", round));
  expect(third?.map(({ id, index, round }) => `${id} ${index} ${round}`)).toEqual([
    "fp4/p1/r2 5 2",
    "fp4/p3/r2 6 2",
    "fp4/p5/r2 7 2",
  ]);
  expect(fourth?.map(({ id, index, round }) => `${id} ${index} ${round}`)).toEqual([
    "fp4/p2/r2 8 3",
    "fp4/p4/r2 9 3",
  ]);
});

test("the loads of a further round are each configuration once, after all that are planned", async () => {
  const planned = await plan(["a", "b", "c", "d", "e"]);
  const sessions = [2, 3].flatMap((round) => planFurtherSessions(planned, round));
  expect(sessions.map(({ index, round }) => `${index} ${round}`)).toEqual(["4 2", "5 2", "6 3", "7 3"]);
  const ids = sessions.map(({ configuration_id }) => configuration_id);
  expect(ids.slice(2)).toEqual(ids.slice(0, 2).toReversed());
  expect(new Set(ids.slice(0, 2))).toEqual(new Set(["none", "fp4"]));
});

test("in a slice, whose loads keep the numbers of the whole plan, further loads have numbers of their own", async () => {
  const planned = await planExperiment(
    minimal("matrix: { dtype: [float32, bfloat16], quantization: [none, fp4] }").replace(
      "[hello]",
      "[a, b, c, d, e]",
    ),
  );
  for (const part of splitPlan(planned)) {
    const slice = joinParts(planned, [part]);
    const indexes = [...slice.blocks, ...planFurtherSessions(slice, 2)].map(({ index }) => index);
    expect(new Set(indexes).size).toBe(indexes.length);
  }
});

test("whatever is planned, trials of further loads are none of the plan's, and are counted on from these", async () => {
  const amounts = fc.record({
    prompts: fc.integer({ min: 1, max: 7 }),
    repeats: fc.oneof(fc.integer({ min: 5, max: 9 }), fc.constantFrom("auto", "{most: 6}")),
  });
  await fc.assert(
    fc.asyncProperty(amounts, async ({ prompts, repeats }) => {
      const planned = await plan(
        ["a", "b", "c", "d", "e", "f", "g"].slice(0, prompts),
        `repeats: ${repeats}`,
      );
      const { rounds, further_rounds } = planned.header;
      expect(further_rounds).toBe(MOST_FURTHER_ROUNDS);
      const own = planned.trials.filter(({ configuration_id }) => configuration_id === "fp4");
      const further = Array.from({ length: further_rounds }, (_, index) =>
        planFurtherTrials(planned, "fp4", rounds + index),
      );
      const all = [...own, ...further.flat()];
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      expect(all.map(({ index }) => index)).toEqual(all.map((_, index) => index));
      for (const [index, trials] of further.entries()) {
        const like = own.filter(
          ({ round }) => round === (planned.header.rounds_share_trials ? index % rounds : 0),
        );
        expect(trials.map(({ prompt_id }) => prompt_id)).toEqual(like.map(({ prompt_id }) => prompt_id));
      }
    }),
    { numRuns: 20 },
  );
});
