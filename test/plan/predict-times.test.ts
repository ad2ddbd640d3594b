import { expect, test } from "vitest";
import { predictTimes } from "../../src/plan/predict-times.js";
import { smallPlan } from "../fixtures/plans.js";

const parts = [
  smallPlan(["a", "b"], { trials: 2 }),
  smallPlan(["c"], { trials: 4 }),
  smallPlan(["d"], { trials: 6 }),
];
const known = (entries: Readonly<Record<string, number>>) => new Map(Object.entries(entries));
const NOTHING: ReadonlyMap<string, number> = new Map();

test("what was measured takes as long again, and the rest as long for its trials and bytes", () => {
  const bytes = known({ "a-0": 10, "b-1": 10, "c-0": 10, "d-0": 30 });
  expect(predictTimes(parts, { seconds: known({ "a-0": 3, "b-1": 5 }), bytes }).seconds).toEqual([8, 8, 36]);
});

test("without the bytes of all, trials alone tell; where one configuration of a part was not measured, the part was not", () => {
  const { seconds, sizes } = predictTimes(parts, {
    seconds: known({ "a-0": 3, "c-0": 2 }),
    bytes: known({ "a-0": 10 }),
  });
  expect([seconds, sizes]).toEqual([
    [2, 2, 3],
    [4, 4, 6],
  ]);
});

test("where nothing was measured there are no seconds, and sizes still order the parts", () => {
  expect(predictTimes(parts, { seconds: NOTHING, bytes: NOTHING })).toEqual({
    seconds: null,
    sizes: [4, 4, 6],
  });
});
