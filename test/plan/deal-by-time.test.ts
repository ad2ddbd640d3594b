import fc from "fast-check";
import { expect, test } from "vitest";
import { dealByTime } from "../../src/plan/deal-by-time.js";

const MINUTE = 60;
const BOUNDS = { leastSec: 5 * MINUTE, mostSec: 60 * MINUTE, wanted: 100 };

const minutesOf = (seconds: readonly number[], tasks: readonly (readonly number[])[]) =>
  tasks.map((parts) => parts.reduce((sum, part) => sum + (seconds[part] ?? 0), 0) / MINUTE);

test.each([
  ["what takes less than five minutes in all is one task", [10, 20, 30], [1]],
  ["a part that takes longer than an hour is a task of its own", [90 * MINUTE, 3 * MINUTE], [90, 3]],
  ["what can be spread is, in tasks of five minutes or more", Array(30).fill(MINUTE), [5, 5, 5, 5, 5, 5]],
  ["what takes longest begins first", [6 * MINUTE, 8 * MINUTE, 7 * MINUTE], [8, 7, 6]],
])("%s", (_, seconds, minutes) => {
  expect(minutesOf(seconds, dealByTime(seconds, BOUNDS))).toEqual(minutes);
});

test("many hours make more tasks than were wanted, and none of them takes more than one", () => {
  const seconds = Array.from({ length: 1000 }, () => 15 * MINUTE);
  const minutes = minutesOf(seconds, dealByTime(seconds, BOUNDS));
  expect(minutes).toHaveLength(250);
  expect(new Set(minutes)).toEqual(new Set([60]));
});

test("every part is in exactly one task, no task of several parts takes too long, and none is short that could be joined", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 8000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.record({
        leastSec: fc.constantFrom(300, 1),
        mostSec: fc.constantFrom(3600, 1000, 60),
        wanted: fc.constantFrom(100, 3),
      }),
      (seconds, bounds) => {
        const tasks = dealByTime(seconds, bounds);
        expect(tasks.flat().toSorted((a, b) => a - b)).toEqual(seconds.map((_, part) => part));
        const sums = tasks
          .map((parts) => ({ parts, sec: parts.reduce((sum, part) => sum + (seconds[part] ?? 0), 0) }))
          .toSorted((a, b) => a.sec - b.sec);
        for (const { parts, sec } of sums) {
          expect(parts.length).toBeGreaterThan(0);
          if (parts.length > 1) expect(sec).toBeLessThanOrEqual(bounds.mostSec * (1 + 1e-9));
        }
        const [shortest, next] = sums;
        if (shortest === undefined || next === undefined || shortest.sec >= bounds.leastSec) return;
        expect(shortest.sec + next.sec).toBeGreaterThan(bounds.mostSec * (1 - 1e-9));
      },
    ),
  );
});
