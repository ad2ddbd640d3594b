import fc from "fast-check";
import { expect, test } from "vitest";
import { modifiedZScores } from "../../src/analysis/outliers.js";

test("scores are deviations from the median in units of 1.4826 MAD", () => {
  // Median 3, deviations 2 1 0 1 97, MAD 1.
  expect(modifiedZScores([1, 2, 3, 4, 100])).toEqual(
    [-2, -1, 0, 1, 97].map((z) => expect.closeTo(z / 1.4826, 12)),
  );
});

test("samples that never differ have no scores", () => {
  expect(modifiedZScores([2, 2, 2, 2, 9])).toBeNull();
});

test("shifting and stretching samples leaves their scores as they are", () => {
  const sample = fc.integer({ min: 0, max: 1000 });
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 4, maxLength: 30 }),
      fc.integer({ min: 1, max: 9 }),
      (samples, scale) => {
        const scores = modifiedZScores(samples);
        const moved = modifiedZScores(samples.map((value) => value * scale + 5));
        expect(moved === null).toBe(scores === null);
        for (const [index, score] of (scores ?? []).entries()) expect(moved?.[index]).toBeCloseTo(score, 9);
      },
    ),
  );
});
