import { expect, test } from "vitest";
import { findLevels } from "../../../src/analysis/history/levels.js";
import { makeRuns, noise } from "./noise.js";

const MEASURED = { isExact: false };

test("a change's intervals hold the true ratio and the true date in nine of ten series", () => {
  const { heavy } = noise(11);
  const changes = Array.from({ length: 100 }, () =>
    findLevels(makeRuns(heavy, { length: 40, stepAt: 22, step: 0.94 }), MEASURED),
  ).flatMap(({ changes: found }) => (found.length === 1 ? found : []));
  expect(changes.length).toBeGreaterThanOrEqual(70);
  const share = (holds: (change: (typeof changes)[number]) => boolean) =>
    changes.filter(holds).length / changes.length;
  expect(share(({ ci95_low, ci95_high }) => ci95_low <= 0.94 && ci95_high >= 0.94)).toBeGreaterThanOrEqual(
    0.9,
  );
  expect(share(({ at_low, at_high }) => at_low <= 22 && at_high >= 22)).toBeGreaterThanOrEqual(0.9);
});

test("levels join without a gap, and the ratio is that of their medians", () => {
  const values = makeRuns(noise(12).normal, { length: 30, stepAt: 12, step: 1.2 });
  const { levels, changes } = findLevels(values, MEASURED);
  expect(levels.map(({ from, to }) => [from, to])).toEqual([
    [0, 12],
    [12, 30],
  ]);
  expect(changes).toHaveLength(1);
  expect(changes[0]?.ratio).toBe((levels[1]?.median ?? 0) / (levels[0]?.median ?? 0));
  expect(changes[0]?.ci95_low).toBeLessThanOrEqual(changes[0]?.ratio ?? 0);
  expect(changes[0]?.ci95_high).toBeGreaterThanOrEqual(changes[0]?.ratio ?? 0);
});

test("what is counted changes with every other number, without a test", () => {
  const { levels, changes } = findLevels([269, 269, 110, 110, 112], { isExact: true });
  expect(levels.map(({ median }) => median)).toEqual([269, 110, 112]);
  expect(changes.map(({ at, p_value }) => [at, p_value])).toEqual([
    [2, null],
    [4, null],
  ]);
});

test("no runs have no level", () => {
  expect(findLevels([], MEASURED).changes).toEqual([]);
});
