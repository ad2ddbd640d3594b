import { expect, test } from "vitest";
import { computeLoadSpread } from "../../src/run/load-spread.js";

test("the spread of loads is that of each configuration's own, less what its trials differ by", () => {
  const even = [
    [0, 0.002],
    [0, 0.002],
  ];
  const apart = [
    [0, 0],
    [0.1, 0.1],
  ];
  expect(computeLoadSpread([even, even])).toBe(0);
  // The variance of 0 and 0.1 is 0.005; the other configuration has none.
  expect(computeLoadSpread([apart, even])).toBeCloseTo(Math.sqrt(0.0025), 12);
});
