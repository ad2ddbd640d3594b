import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHANGE_TEST, findChangePoints } from "../../../src/analysis/history/change-points.js";
import { seededIntervals } from "../../../src/analysis/history/seeded-intervals.js";
import { makeRuns, noise } from "./noise.js";

const SERIES = 300;

function share(count: number, isHit: (i: number) => boolean): number {
  return Array.from({ length: count }, (_, i) => isHit(i)).filter(Boolean).length / count;
}

describe.each(["normal", "heavy"] as const)("with %s noise", (kind) => {
  test.each([10, 30, 100])(
    "pure noise over %i runs is called a change in at most 5 % of series",
    (length) => {
      const source = noise(length);
      const alarms = share(
        SERIES,
        () => findChangePoints(makeRuns(source[kind], { length }).map(Math.log)).length > 0,
      );
      expect(alarms).toBeLessThanOrEqual(0.05);
    },
  );
});

test("a step of five times the noise is found at its run, and nothing else", () => {
  const { normal } = noise(1);
  const found = share(100, () => {
    const values = makeRuns(normal, { length: 30, stepAt: 18, step: 0.95 }).map(Math.log);
    const changes = findChangePoints(values);
    return changes.length === 1 && Math.abs((changes[0]?.index ?? 0) - 18) <= 1;
  });
  expect(found).toBeGreaterThanOrEqual(0.9);
});

test("a new level of three runs is found among forty", () => {
  const { normal } = noise(2);
  const found = share(
    100,
    () => findChangePoints(makeRuns(normal, { length: 40, stepAt: 37, step: 0.95 }).map(Math.log)).length > 0,
  );
  expect(found).toBeGreaterThanOrEqual(0.9);
});

test("a dip between two equal levels has a beginning and an end", () => {
  const { heavy } = noise(3);
  const found = share(100, () => {
    const dip = makeRuns(heavy, { length: 40 }).map((value, i) =>
      Math.log(i >= 15 && i < 25 ? value * 0.93 : value),
    );
    return findChangePoints(dip).length === 2;
  });
  expect(found).toBeGreaterThanOrEqual(0.8);
});

test("one slow run is no change", () => {
  const values = makeRuns(noise(4).normal, { length: 30 }).map((value, i) =>
    Math.log(i === 14 ? value / 3 : value),
  );
  expect(findChangePoints(values)).toEqual([]);
});

test("fewer runs than can tell a change are not judged", () => {
  const values = Array.from({ length: CHANGE_TEST.fewest_runs - 1 }, (_, i) => (i < 5 ? 1 : 2));
  expect(findChangePoints(values)).toEqual([]);
});

test("any series gives changes in order, each level at least three runs, and the same ones again", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { maxLength: 40 }), (values) => {
      const changes = findChangePoints(values);
      const edges = [0, ...changes.map(({ index }) => index), values.length];
      for (const [i, edge] of edges.slice(1).entries()) {
        if (changes.length > 0)
          expect(edge - (edges[i] ?? 0)).toBeGreaterThanOrEqual(CHANGE_TEST.fewest_runs_a_level);
      }
      for (const { p_value } of changes) expect(p_value).toBeLessThanOrEqual(CHANGE_TEST.alpha);
      expect(findChangePoints(values)).toEqual(changes);
    }),
    { numRuns: 100 },
  );
});

test("a constant series has no change, whatever the number", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.integer({ min: 0, max: 60 }),
      (value, length) => {
        expect(findChangePoints(Array.from({ length }, () => value))).toEqual([]);
      },
    ),
  );
});

test("seeded intervals lie within the series, cover it at every length, and are few", () => {
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 3000 }), (n) => {
      const intervals = seededIntervals(n, 6);
      expect(intervals[0]).toEqual({ from: 0, to: n });
      expect(Math.min(...intervals.map(({ from }) => from))).toBe(0);
      expect(Math.max(...intervals.map(({ to }) => to))).toBe(n);
      expect(Math.min(...intervals.map(({ from, to }) => to - from))).toBeGreaterThanOrEqual(6);
      expect(intervals.length).toBeLessThanOrEqual(n);
    }),
  );
});
