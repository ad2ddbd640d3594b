import { describe, expect, test } from "vitest";
import { areLoadsTooFew, computeHalfOfSpread, computeLoadSpread } from "../../src/run/load-spread.js";

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
  // Of 0 and 0.1 the variance is 0.005; the other configuration has none.
  expect(computeLoadSpread([apart, even])).toBeCloseTo(Math.sqrt(0.0025), 12);
});

test("half an interval is Student's t over the loads of both: 96 % of few, 99 % from five on", () => {
  // Quantiles of tables: t(0.98; 2) = 4.849, t(0.98; 6) = 2.612, t(0.995; 8) = 3.355.
  expect(computeHalfOfSpread(0.1, 2)).toBeCloseTo(0.4849, 4);
  expect(computeHalfOfSpread(0.1, 4)).toBeCloseTo(0.2612 * Math.SQRT1_2, 4);
  expect(computeHalfOfSpread(0.1, 5)).toBeCloseTo(0.3355 * Math.sqrt(0.4), 4);
});

describe("more loads are needed", () => {
  test.each([2, 4, 8])("of %i that differ by as much as is always assumed: no", (loads) => {
    expect(areLoadsTooFew(0.04, loads)).toBe(false);
  });

  test("until those there are make a ratio no more uncertain than about 10 %", () => {
    expect([2, 3, 4].map((loads) => areLoadsTooFew(0.05, loads))).toEqual([true, true, false]);
    expect([4, 6, 7].map((loads) => areLoadsTooFew(0.06, loads))).toEqual([true, true, false]);
  });
});
