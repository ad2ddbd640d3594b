import fc from "fast-check";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect, test } from "vitest";
import { randomBelow } from "../../src/base/random-below.js";

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
  // Chi-squared with six degrees of freedom: beyond 22.5 once in a thousand, and the seed is fixed.
  const chiSquared = counts.reduce((sum, count) => sum + (count - each) ** 2 / each, 0);
  expect(chiSquared).toBeLessThan(22.5);
});
