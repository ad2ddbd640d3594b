import { describe, expect, test } from "vitest";
import type { LoadLogs } from "../../src/run/load-spread.js";
import { computeHalfOfAssumed, computeHalfOfSpread, findUncertainty } from "../../src/run/ratio-precision.js";

test("half an interval is Student's t over the loads of both: 96 % of few, 99 % from five on", () => {
  // Quantiles from tables: t(0.98; 2) = 4.849, t(0.98; 6) = 2.612, t(0.995; 8) = 3.355.
  expect(computeHalfOfSpread(0.1, 2)).toBeCloseTo(0.4849, 4);
  expect(computeHalfOfSpread(0.1, 4)).toBeCloseTo(0.2612 * Math.SQRT1_2, 4);
  expect(computeHalfOfSpread(0.1, 5)).toBeCloseTo(0.3355 * Math.sqrt(0.4), 4);
});

test("of few loads something is assumed, from five on nothing", () => {
  expect([1, 2, 4, 5].map((loads) => Number(computeHalfOfAssumed(0.04, loads).toFixed(4)))).toEqual([
    0.1457, 0.103, 0.0729, 0,
  ]);
});

describe("the ratio of two configurations", () => {
  /** Loads with the given means, each of five trials up to `apart` below and above the mean. */
  const loads = (means: readonly number[], apart: number): LoadLogs =>
    means.map((mean) => [-1, -0.5, 0, 0.5, 1].map((step) => mean + step * apart));

  test("is known well enough from two even loads each, however large it is", () => {
    expect(findUncertainty(loads([0, 0.01], 0.02), loads([0, 0.01], 0.02))).toBeNull();
    expect(findUncertainty(loads([5, 5.01], 0.02), loads([0, 0.01], 0.02))).toBeNull();
  });

  test("is not where the loads of either lie apart, until there are enough of them", () => {
    const even = (count: number) => loads(Array<number>(count).fill(0), 0);
    const apart = (count: number) =>
      loads(
        Array.from({ length: count }, (_, index) => (index % 2) * 0.1),
        0,
      );
    // Standard deviations of 0.1/√2 for one and 0 for the other give 0.05; this times t(0.98; 2).
    expect(findUncertainty(apart(2), even(2))).toBeCloseTo(Math.expm1(0.05 * 4.849), 3);
    expect(findUncertainty(even(2), apart(2))).toBeCloseTo(Math.expm1(0.05 * 4.849), 3);
    expect(findUncertainty(apart(4), even(4))).toBeNull();
  });

  test("is where many loads lie apart and those of the other just as much: both were slow at the same time", () => {
    const slowed = [0, 0.3, 0, 0.3, 0];
    expect(findUncertainty(loads(slowed, 0), loads(slowed.toReversed(), 0))).toBeNull();
    expect(findUncertainty(loads(slowed, 0), loads([0.3, 0, 0.3, 0, 0.3], 0))).toBeGreaterThan(0.3);
    expect(findUncertainty(loads(slowed.slice(0, 4), 0), loads(slowed.slice(0, 4), 0))).toBeGreaterThan(0.3);
  });

  test("is not where trials of one load lie far apart", () => {
    expect(findUncertainty(loads([0, 0], 0.2), loads([0, 0], 0.2))).toBeGreaterThan(0.2);
  });

  test("is as uncertain as the interval over the pairs of these trials will be", () => {
    // Five pairs in two loads, which have three degrees of freedom: t(0.995; 3) = 5.841.
    const five = [
      [-0.05, 0, 0.05],
      [-0.05, 0.05],
    ];
    const ofTrials = 5.841 * Math.sqrt((2 * (2 * 0.05 ** 2 + 2 * 0.05 ** 2)) / 3 / 5);
    expect(findUncertainty(five, five)).toBeCloseTo(Math.expm1(Math.hypot(ofTrials, 0.103)), 3);
  });

  test("cannot be told to be known from one load, or one trial a load", () => {
    expect(findUncertainty(loads([0], 0.5), loads([0, 1], 0.5))).toBeNull();
    expect(findUncertainty([[0], [1]], [[0], [1]])).toBeNull();
  });
});
