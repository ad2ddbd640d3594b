import { expect, test } from "vitest";
import { findLevels } from "../../../src/analysis/history/levels.js";
import { newestAgainst } from "../../../src/analysis/history/newest.js";
import { makeRuns, noise } from "./noise.js";

const MEASURED = { isExact: false };
const judged = (values: readonly number[]) =>
  newestAgainst(values, findLevels(values, MEASURED).levels, MEASURED);

test("a single run has nothing before it; five are needed to tell", () => {
  expect(judged([20])).toBeNull();
  expect(judged([20, 20.1, 19.9, 20, 10])?.verdict).toBe("too-few-runs");
  expect(judged([20, 20.1, 19.9, 20, 20.05, 10])?.verdict).toBe("less");
});

test.each(["normal", "heavy"] as const)(
  "one more run of %s noise is called another in at most a tenth",
  (kind) => {
    const source = noise(21);
    const alarms = Array.from({ length: 400 }, () => judged(makeRuns(source[kind], { length: 16 }))).filter(
      (one) => one?.verdict !== "within-noise",
    );
    expect(alarms.length / 400).toBeLessThanOrEqual(kind === "normal" ? 0.08 : 0.13);
  },
);

test("a fall is told on the first night and on the second, and no longer when it has become the level", () => {
  const { normal } = noise(22);
  const before = makeRuns(normal, { length: 20 });
  const after = makeRuns(normal, { length: 12 }).map((value) => value * 0.9);
  for (const nights of [1, 2, 3, 4, 5]) {
    const against = judged([...before, ...after.slice(0, nights)]);
    expect(against?.verdict).toBe("less");
    expect(against?.ratio).toBeCloseTo(0.9, 1);
  }
  const later = judged([...before, ...after]);
  expect(later?.verdict).toBe("within-noise");
  expect(later?.runs_before).toBe(11);
});

test("one slow run before does not hide a fall", () => {
  const values = makeRuns(noise(23).normal, { length: 20 }).map((value, i) => (i === 8 ? value / 2 : value));
  expect(judged([...values, 18])?.verdict).toBe("less");
});

test("what is counted is compared with the run before it alone", () => {
  const against = newestAgainst([269, 110, 111], [], { isExact: true });
  expect(against).toMatchObject({ runs_before: 1, level: 110, verdict: "counted", ci95_low: null });
});

test("figures that never differ have an interval of no width", () => {
  expect(judged([5, 5, 5, 5, 5, 5])).toMatchObject({ ratio: 1, ci95_low: 1, ci95_high: 1 });
});
