import fc from "fast-check";
import { expect, test } from "vitest";
import { dealParts, joinParts, parseSlice, splitPlan } from "../../src/plan/slices.js";
import { planExperiment } from "../fixtures/experiments.js";
import { smallPlan } from "../fixtures/plans.js";

const labels = (plan: {
  readonly configurations: readonly { readonly worker: { readonly label: string } }[];
}) => plan.configurations.map(({ worker }) => worker.label);

test.each([
  ["0/1", { index: 0, count: 1 }],
  ["3/4", { index: 3, count: 4 }],
  ["4/4", null],
  ["-1/4", null],
  ["1/0", null],
  ["1", null],
  ["1/4/2", null],
])("%s is read as a slice, from 0", (text, slice) => {
  expect(parseSlice(text)).toEqual(slice);
});

test("a configuration stays with its reference, and the parts are the plan", async () => {
  const plan = await planExperiment(
    [
      "name: x",
      "model: smollm2-135m-instruct",
      "prompts: [a, b]",
      "rounds: 2",
      "matrix: { dtype: [float32, bfloat16], quantization: [none, int8, fp4] }",
      "",
    ].join("\n"),
  );
  const parts = splitPlan(plan);
  expect(parts.map(labels)).toEqual([
    ["none float32", "int8 float32", "fp4 float32"],
    ["none bfloat16", "int8 bfloat16", "fp4 bfloat16"],
  ]);
  for (const part of parts) {
    expect(part.header).toMatchObject({ configurations: 3, trials: 12 });
    expect(part.trials).toHaveLength(12);
    expect(part.blocks).toHaveLength(6);
  }
  expect(joinParts(plan, parts)).toEqual(plan);
});

test("any number of slices has each part once, and about as many loads each", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 8 }),
      (sizes, count) => {
        const parts = sizes.map((size) => smallPlan(Array.from({ length: size }, (_, index) => `c${index}`)));
        const slices = dealParts(parts, count);
        expect(slices).toHaveLength(count);
        expect(new Set(slices.flat())).toEqual(new Set(parts));
        expect(slices.flat()).toHaveLength(parts.length);
        const loads = slices.map((slice) => slice.reduce((sum, { blocks }) => sum + blocks.length, 0));
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(Math.max(0, ...sizes));
      },
    ),
  );
});
