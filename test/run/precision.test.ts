import fc from "fast-check";
import { expect, test } from "vitest";
import { relativeWidth, repeatsEndAfter } from "../../src/run/precision.js";

const samples = (...rates: readonly (readonly [prompt: number, rate: number])[]) =>
  rates.map(([promptIndex, tokensPerSec]) => ({ promptIndex, tokensPerSec }));
const AUTO = { width: 0.1, fewest: 3, most: 6 };

test("the width is that of Student's t over what repeats of the same prompt differ by", () => {
  // Prompt 0: 10, 12 (mean 11); prompt 1: 20, 22 (mean 21). Sum of squares 4 × 1 = 4, 2 degrees of freedom: variance 2.
  // Standard error √(2 ÷ 4) = 0.70711; t(0.975, 2) = 4.30265; mean 16.
  const width = relativeWidth(samples([0, 10], [1, 20], [0, 12], [1, 22]));
  expect(width).toBeCloseTo((2 * 4.30265 * Math.SQRT1_2) / 16, 5);
});

test("prompts that differ from each other are no noise", () => {
  expect(relativeWidth(samples([0, 1], [1, 100], [0, 1], [1, 100]))).toBe(0);
});

test("one sample a prompt tells nothing of noise", () => {
  expect(relativeWidth(samples([0, 10], [1, 12]))).toBeNull();
});

test("measuring ends when the rate is known well enough, not before the fewest repeats, and at the most", () => {
  const steady = samples([0, 10], [0, 10.01], [0, 9.99]);
  expect(repeatsEndAfter(2, steady, AUTO)).toBeNull();
  expect(repeatsEndAfter(3, steady, AUTO)).toBe("precise-enough");
  const noisy = samples([0, 10], [0, 20], [0, 5]);
  expect(repeatsEndAfter(3, noisy, AUTO)).toBeNull();
  expect(repeatsEndAfter(6, noisy, AUTO)).toBe("most-reached");
});

test("the width does not depend on the unit of time", () => {
  const rate = fc.double({ min: 0.1, max: 1000, noNaN: true });
  fc.assert(
    fc.property(fc.array(rate, { minLength: 2, maxLength: 12 }), (rates) => {
      const of = (factor: number) =>
        relativeWidth(rates.map((one) => ({ promptIndex: 0, tokensPerSec: one * factor })));
      expect(of(60)).toBeCloseTo(of(1) ?? Number.NaN, 8);
    }),
  );
});
