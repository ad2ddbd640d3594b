import fc from "fast-check";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, test } from "vitest";
import { FEWEST_PAIRS, pairedRatio } from "../../src/analysis/bootstrap.js";
import { computeVerdict } from "../../src/analysis/significance.js";

/** Normal deviates by Box and Muller's method. */
function normal(random: ReturnType<typeof xoroshiro128plus>): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random));
}

/** Times of `n` prompts of different lengths under two configurations, `ratio` apart, each with 3 % of noise. */
function simulate(seed: number, n: number, ratio: number): [number, number][] {
  const random = xoroshiro128plus(seed);
  return Array.from({ length: n }, (_, prompt) => {
    const base = 1 + prompt * 0.3;
    const noisy = (value: number) => value * Math.exp(0.03 * normal(random));
    return [noisy(base * ratio), noisy(base)];
  });
}

describe.each([
  [8, 1.3],
  [30, 0.5],
])("over 2,000 simulated runs of %i pairs", (n, ratio) => {
  test("the 95 %% interval holds the true ratio in 93 to 97 %% of them", () => {
    let covered = 0;
    for (let seed = 1; seed <= 2000; seed++) {
      const interval = pairedRatio(simulate(seed, n, ratio), { resamples: 600, seed })?.ci95;
      if (interval != null && interval[0] <= ratio && ratio <= interval[1]) covered += 1;
    }
    expect(covered / 2000).toBeGreaterThanOrEqual(0.93);
    expect(covered / 2000).toBeLessThanOrEqual(0.97);
  });
});

test.each([5, 15])(
  "two configurations that are the same are within noise in at least 95 of 100 runs of %i pairs",
  (n) => {
    const verdicts = Array.from({ length: 100 }, (_, index) => {
      const measured = pairedRatio(simulate(1000 + index, n, 1));
      return measured === null ? null : computeVerdict(measured);
    });
    expect(verdicts.filter((verdict) => verdict === "within-noise").length).toBeGreaterThanOrEqual(95);
  },
);

test.each([
  [5, 2],
  [10, 1.5],
])("with %i pairs a ratio of %d is called a difference in every run", (n, ratio) => {
  for (let seed = 1; seed <= 100; seed++) {
    const measured = pairedRatio(simulate(seed, n, ratio));
    expect(measured === null ? null : computeVerdict(measured)).toBe("more");
  }
});

test("the ratio is the geometric mean of the pairs' ratios", () => {
  // 2, ½, 4, 1, 2: the product is 8, and 8 to the power of a fifth is 1.5157.
  const pairs: [number, number][] = [
    [2, 1],
    [1, 2],
    [4, 1],
    [3, 3],
    [6, 3],
  ];
  expect(pairedRatio(pairs)?.ratio).toBeCloseTo(8 ** (1 / 5), 12);
});

test("too few pairs have a ratio and no interval; none have nothing", () => {
  const measured = pairedRatio(simulate(1, FEWEST_PAIRS - 1, 2));
  expect(measured).toMatchObject({ pairs: FEWEST_PAIRS - 1, ci95: null });
  expect(measured === null ? null : computeVerdict(measured)).toBe("too-few-repeats");
  expect(pairedRatio([])).toBeNull();
});

test("figures that never differ, as allocated GPU memory, are exact", () => {
  const pairs = Array.from({ length: 6 }, (): [number, number] => [3e9, 6e9]);
  expect(pairedRatio(pairs)).toMatchObject({ ratio: 0.5, ci95: [0.5, 0.5] });
});

test("the same pairs and seed give the same interval, around the ratio, and turned about its inverse", () => {
  const figure = fc.double({ min: 0.01, max: 1000, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(figure, figure), { minLength: 5, maxLength: 20 }), (pairs) => {
      const options = { resamples: 300, seed: 7 };
      const measured = pairedRatio(pairs, options);
      expect(pairedRatio(pairs, options)).toEqual(measured);
      const turned = pairedRatio(
        pairs.map(([own, reference]) => [reference, own]),
        options,
      );
      expect((turned?.ratio ?? 0) * (measured?.ratio ?? 0)).toBeCloseTo(1, 6);
      if (measured?.ci95 == null) throw new Error("no interval");
      expect(measured.ci95[0]).toBeLessThanOrEqual(measured.ci95[1]);
    }),
    { numRuns: 50 },
  );
});
