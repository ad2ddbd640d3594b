import fc from "fast-check";
import { expect, test } from "vitest";
import { MOST_FURTHER_ROUNDS } from "../../src/plan/further-rounds.js";
import { planLoadSessions, planSessionsInOrder } from "../../src/plan/load-sessions.js";
import { planExperiment } from "../fixtures/experiments.js";

const THREE = ["none", "int8", "fp4"];
const PLAIN = { rounds: 1, seed: 0, referenceIds: null, driftProbeId: null } as const;
const listIds = (blocks: readonly { readonly configuration_id: string }[]) =>
  blocks.map(({ configuration_id }) => configuration_id);

test("a single round runs in the order given", () => {
  expect(listIds(planSessionsInOrder(THREE))).toEqual(THREE);
});

test("every round has every configuration once, whatever the seed", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 8 }),
      fc.nat(),
      (ids, rounds, seed) => {
        const blocks = planLoadSessions(ids, {
          ...PLAIN,
          rounds,
          seed,
          referenceIds: new Map(ids.map((id) => [id, ids[0] ?? id])),
        });
        for (let round = 0; round < rounds; round++) {
          const own = listIds(blocks.filter((block) => block.round === round));
          expect([...own].sort()).toEqual([...ids].sort());
        }
        expect(blocks[0]?.configuration_id).toBe(ids[0]);
        expect(blocks.map(({ index }) => index)).toEqual(blocks.map((_, index) => index));
      },
    ),
  );
});

test("the second round runs in the reverse order of the first, so that a steady drift favours nobody", () => {
  expect(listIds(planLoadSessions(THREE, { ...PLAIN, rounds: 2, seed: 9 }))).toEqual([
    "none",
    "int8",
    "fp4",
    "fp4",
    "int8",
    "none",
  ]);
});

test("later rounds are in an order that only the seed decides, and each place is given to each configuration", () => {
  const drawOrder = (seed: number) => listIds(planLoadSessions(THREE, { ...PLAIN, rounds: 60, seed }));
  expect(drawOrder(1)).toEqual(drawOrder(1));
  expect(drawOrder(1)).not.toEqual(drawOrder(2));
  const firsts = new Map<string, number>();
  for (const [index, id] of drawOrder(7).entries())
    if (index % 3 === 0) firsts.set(id, (firsts.get(id) ?? 0) + 1);
  // On average each comes first in 20 of 60 rounds; fewer than 8 would be a one-in-ten-thousand shuffle.
  for (const id of THREE) expect(firsts.get(id)).toBeGreaterThanOrEqual(8);
});

test("the sentinel runs at start, in the middle and at the end", () => {
  const blocks = planLoadSessions(THREE, { ...PLAIN, rounds: 2, driftProbeId: "none" });
  const places = blocks.flatMap(({ role }, index) => (role === "sentinel" ? [index] : []));
  expect(places).toEqual([0, 4, 8]);
  expect(blocks.filter(({ role }) => role === "sentinel").map(({ round }) => round)).toEqual([0, 1, 2]);
});

const EXPERIMENT = [
  "name: x",
  "model: smollm2-135m-instruct",
  "prompts: [a, b]",
  "matrix: { quantization: [fp4, none, int8] }",
  "repeats: 2",
];

test("trials of later rounds go on counting repeats, so that equal repeats pair across configurations", async () => {
  const plan = await planExperiment([...EXPERIMENT, "rounds: { count: 3, seed: 5 }", ""].join("\n"));
  const own = plan.trials.filter(({ configuration_id }) => configuration_id === "none");
  expect(own.map(({ repeat }) => repeat)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  expect(own.map(({ round }) => round)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  expect(plan.header).toMatchObject({ rounds: 3, order_seed: 5, trials: 36 });
  expect(plan.blocks).toHaveLength(9);
});

test("where quality is asked for the reference runs first, because the others are compared with what it leaves", async () => {
  const plain = await planExperiment([...EXPERIMENT, ""].join("\n"));
  expect(plain.blocks[0]?.configuration_id).toBe("fp4");
  const scored = await planExperiment([...EXPERIMENT, "quality: { texts: [code] }", ""].join("\n"));
  expect(listIds(scored.blocks)).toEqual(["none", "fp4", "int8"]);
  expect(scored.texts.map(({ id }) => id)).toEqual(["code"]);
});

test("two loads share the trials by default, so that there are no more of them, and each has of every prompt", async () => {
  const plan = await planExperiment([...EXPERIMENT.slice(0, 4), "repeats: 4", ""].join("\n"));
  expect(plan.header).toMatchObject({ rounds: 2, rounds_share_trials: true, repeats: 4, trials: 24 });
  expect(plan.header.further_rounds).toBe(MOST_FURTHER_ROUNDS);
  expect(plan.blocks.map(({ configuration_id, round }) => `${configuration_id} ${round}`)).toEqual([
    "fp4 0",
    "none 0",
    "int8 0",
    "int8 1",
    "none 1",
    "fp4 1",
  ]);
  const own = plan.trials.filter(({ configuration_id }) => configuration_id === "none");
  expect(own.map(({ prompt_id, repeat, round }) => `${prompt_id} ${repeat} ${round}`)).toEqual([
    "p1 0 0",
    "p2 0 1",
    "p1 1 1",
    "p2 1 0",
    "p1 2 0",
    "p2 2 1",
    "p1 3 1",
    "p2 3 0",
  ]);
});

test.each([
  ["too few trials to tell times apart", [...EXPERIMENT.slice(0, 4), "repeats: 2"]],
  ["nothing to compare", [...EXPERIMENT.slice(0, 3), "repeats: 5"]],
  ["repeats: auto with so few that they cannot be split", [...EXPERIMENT.slice(0, 4), "repeats: {most: 3}"]],
  ["one round, as written", [...EXPERIMENT.slice(0, 4), "repeats: 4", "rounds: 1"]],
])("%s: each configuration is loaded once", async (_, lines) => {
  const plan = await planExperiment([...lines, ""].join("\n"));
  expect(plan.header).toMatchObject({ rounds: 1, rounds_share_trials: false, further_rounds: 0 });
  expect(plan.blocks).toHaveLength(plan.configurations.length);
});

test("repeats: auto is split over two loads, each of which decides by its own trials", async () => {
  const plan = await planExperiment([...EXPERIMENT.slice(0, 4), "repeats: auto", ""].join("\n"));
  expect(plan.header).toMatchObject({
    rounds: 2,
    rounds_share_trials: false,
    repeats: 10,
    auto_repeats: { width: 0.1 * Math.SQRT2, fewest: 2, most: 10 },
  });
});

test.each([
  ["{most: 5}", 2, 2],
  ["{fewest: 5, most: 5}", 2, 2],
  ["{fewest: 6, most: 9}", 3, 4],
])("repeats: %s over two loads are no more than were asked for", async (repeats, fewest, most) => {
  const plan = await planExperiment([...EXPERIMENT.slice(0, 4), `repeats: ${repeats}`, ""].join("\n"));
  expect(plan.header).toMatchObject({ rounds: 2, repeats: most, auto_repeats: { fewest, most } });
});

test("sentinel: true is the reference, and a name that is none is refused", async () => {
  const plan = await planExperiment([...EXPERIMENT, "sentinel: true", ""].join("\n"));
  expect(plan.blocks.filter(({ role }) => role === "sentinel").map((one) => one.configuration_id)).toEqual([
    "none",
    "none",
    "none",
  ]);
  await expect(planExperiment([...EXPERIMENT, "sentinel: nf4", ""].join("\n"))).rejects.toMatchObject({
    code: "plan-reference-unknown",
  });
});
