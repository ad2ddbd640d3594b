import fc from "fast-check";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect, test } from "vitest";
import { computeStatistics, randomBelow, studentTQuantile } from "../../src/base/statistics.js";

test("known samples give the values of the textbook", () => {
  // By hand: mean 5, deviations −3 −1 −1 −1 0 0 2 4, sum of squares 32, sd √(32/7).
  const statistics = computeStatistics([2, 4, 4, 4, 5, 5, 7, 9]);
  expect(statistics).toMatchObject({ n: 8, mean: 5, median: 4.5, min: 2, max: 9 });
  expect(statistics?.sd).toBeCloseTo(Math.sqrt(32 / 7), 12);
  // t(0.975, 7) = 2.364624
  expect(statistics?.ci95_high).toBeCloseTo(5 + (2.364624 * Math.sqrt(32 / 7)) / Math.sqrt(8), 5);
});

// From any printed table of Student's t, 97.5 %.
test.each([
  [1, 12.7062],
  [2, 4.3027],
  [4, 2.7764],
  [9, 2.2622],
  [30, 2.0423],
  [120, 1.9799],
])("the 97.5 %% quantile of t with %i degrees of freedom is %d", (degrees, value) => {
  expect(studentTQuantile(0.975, degrees)).toBeCloseTo(value, 3);
});

test("no samples are null, one sample has no spread", () => {
  expect(computeStatistics([])).toBeNull();
  expect(computeStatistics([3])).toMatchObject({ n: 1, mean: 3, sd: null, ci95_low: null });
});

test("the median of the smallest doubles is one of them, though their halves round away", () => {
  expect(computeStatistics([6.4e-323, 6.4e-323])).toMatchObject({ mean: 6.4e-323, median: 6.4e-323 });
});

test("mean and median lie within the samples, the interval around the mean, and order does not matter", () => {
  // Of 0 and −0, whichever comes first stays first.
  const sample = fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((value) => value + 0);
  fc.assert(
    fc.property(fc.array(sample, { minLength: 2, maxLength: 60 }), (samples) => {
      const s = computeStatistics(samples);
      if (s === null) throw new Error("null for samples");
      expect(s.mean).toBeGreaterThanOrEqual(s.min);
      expect(s.mean).toBeLessThanOrEqual(s.max);
      expect(s.median).toBeGreaterThanOrEqual(s.min);
      expect(s.median).toBeLessThanOrEqual(s.max);
      expect(s.ci95_low ?? Number.NaN).toBeLessThanOrEqual(s.mean);
      expect(s.ci95_high ?? Number.NaN).toBeGreaterThanOrEqual(s.mean);
      expect(computeStatistics(samples.toReversed())).toEqual(s);
    }),
  );
});

test("whatever the generator gives, the number is a whole one from 0 to below the bound", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1_000_000 }), (next, bound) => {
      const random = { ...xoroshiro128plus(1), next: () => next | 0 } as ReturnType<typeof xoroshiro128plus>;
      const drawn = randomBelow(random, bound);
      expect(Number.isInteger(drawn) && drawn >= 0 && drawn < bound).toBe(true);
    }),
  );
});

test("every number comes about as often as every other", () => {
  const random = xoroshiro128plus(20_261_125);
  const [bound, each] = [7, 10_000];
  const counts = new Array<number>(bound).fill(0);
  for (let i = 0; i < bound * each; i++) {
    const drawn = randomBelow(random, bound);
    counts[drawn] = (counts[drawn] ?? 0) + 1;
  }
  // Chi-squared with six degrees of freedom exceeds 22.5 once in a thousand times, and the seed is fixed.
  const chiSquared = counts.reduce((sum, count) => sum + (count - each) ** 2 / each, 0);
  expect(chiSquared).toBeLessThan(22.5);
});
