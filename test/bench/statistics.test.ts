import fc from "fast-check";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, it } from "vitest";
import {
  computeHodgesLehmann,
  computeRatioInterval,
  judgeInterval,
} from "../../bench/overhead/statistics.js";

const logRatio = fc.double({ min: -1, max: 1, noNaN: true });
const load = fc.array(logRatio, { minLength: 1, maxLength: 12 });
const loads = fc.array(load, { minLength: 2, maxLength: 8 });

/** Returns a source of normally distributed numbers, which are the same for the same seed. */
function normals(seed: number): () => number {
  const random = xoroshiro128plus(seed);
  const uniform = () => ((random.next() >>> 0) + 1) / 4_294_967_297;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

describe("computeHodgesLehmann", () => {
  it("is the median of all pairwise means", () => {
    expect(computeHodgesLehmann([1, 2, 6])).toBe(2.75);
  });

  it("lies among its values, and moves and scales with them", () => {
    fc.assert(
      fc.property(load, fc.double({ min: -1, max: 1, noNaN: true }), (values, shift) => {
        const middle = computeHodgesLehmann(values);
        expect(middle).toBeGreaterThanOrEqual(Math.min(...values) - 1e-12);
        expect(middle).toBeLessThanOrEqual(Math.max(...values) + 1e-12);
        expect(computeHodgesLehmann(values.map((value) => value + shift))).toBeCloseTo(middle + shift, 10);
        expect(computeHodgesLehmann(values.map((value) => -value))).toBeCloseTo(-middle, 10);
      }),
    );
  });

  it("is not carried away by two wild values of ten", () => {
    const calm = [0.01, 0.012, 0.008, 0.011, 0.009, 0.01, 0.01, 0.012];
    expect(Math.abs(computeHodgesLehmann([...calm, 3, 5]) - 0.01)).toBeLessThan(0.0015);
  });

  it("refuses to find the middle of nothing", () => {
    expect(() => computeHodgesLehmann([])).toThrow(RangeError);
  });
});

describe("computeRatioInterval", () => {
  it("gives the ratio, the t interval over the loads' middles, and its half width", () => {
    const interval = computeRatioInterval([[Math.log(1.01)], [Math.log(1.02)], [Math.log(1.03)]]);
    // ln 1.02 ± 4.3027 standard errors (t with 2 degrees of freedom), each of 0.009805 / sqrt(3).
    expect(interval?.ratio).toBeCloseTo(1.01997, 5);
    expect(interval?.low).toBeCloseTo(0.99543, 4);
    expect(interval?.high).toBeCloseTo(1.04511, 4);
    expect(interval?.halfWidth).toBeCloseTo(0.02484, 4);
    expect(interval).toMatchObject({ loads: 3, pairs: 3 });
  });

  it("holds its ratio, turns around with the ratios, and does not ask in which order loads came", () => {
    fc.assert(
      fc.property(loads, (listLogRatios) => {
        const interval = computeRatioInterval(listLogRatios);
        const turned = computeRatioInterval(listLogRatios.map((one) => one.map((value) => -value)).reverse());
        if (interval === null || turned === null) throw new Error("two loads are enough");
        expect(interval.low).toBeLessThanOrEqual(interval.ratio * (1 + 1e-12));
        expect(interval.high).toBeGreaterThanOrEqual(interval.ratio * (1 - 1e-12));
        expect(turned.ratio * interval.ratio).toBeCloseTo(1, 9);
        expect(turned.low * interval.high).toBeCloseTo(1, 9);
      }),
    );
  });

  it("counts loads, not pairs, as the sample: pairs of one load that agree do not make it sure", () => {
    const many = Array.from({ length: 100 }, () => 0.02);
    const few = [0.02];
    const zero = [0];
    expect(computeRatioInterval([many, zero])?.halfWidth).toBeCloseTo(
      computeRatioInterval([few, zero])?.halfWidth ?? 0,
      10,
    );
  });

  it("says nothing of fewer than two loads", () => {
    expect(computeRatioInterval([])).toBeNull();
    expect(computeRatioInterval([[0.1, 0.2, 0.3], []])).toBeNull();
  });

  it("covers the true ratio in about 95 of 100 benches where loads have luck of their own and noise has wild values", () => {
    const truth = Math.log(1.005);
    const next = normals(16);
    let covered = 0;
    for (let bench = 0; bench < 1000; bench++) {
      const measured = Array.from({ length: 6 }, () => {
        const luck = 0.004 * next();
        return Array.from({ length: 6 }, () => {
          const isWild = next() > 1.9;
          return truth + luck + (isWild ? 0.2 : 0.01) * next();
        });
      });
      const interval = computeRatioInterval(measured);
      if (interval !== null && interval.low <= Math.exp(truth) && interval.high >= Math.exp(truth)) covered++;
    }
    expect(covered).toBeGreaterThan(925);
    expect(covered).toBeLessThan(985);
  });
});

describe("judgeInterval", () => {
  const asked = { limit: 1.01, resolution: 0.01 };
  const interval = (low: number, high: number) => ({
    ratio: (low + high) / 2,
    low,
    high,
    halfWidth: (high - low) / 2,
    loads: 6,
    pairs: 36,
  });

  it("holds where the interval reaches down to the limit", () => {
    expect(judgeInterval(interval(0.995, 1.005), asked)).toBe("holds");
    expect(judgeInterval(interval(1.005, 1.02), asked)).toBe("holds");
    expect(judgeInterval(interval(1.01, 1.02), asked)).toBe("holds");
  });

  it("has FAILED where the whole interval lies above the limit", () => {
    expect(judgeInterval(interval(1.0101, 1.02), asked)).toBe("FAILED");
  });

  it("is not resolved where the interval is wider than the resolution, or there is none", () => {
    expect(judgeInterval(interval(0.98, 1.001), asked)).toBe("not resolved");
    expect(judgeInterval(interval(1.2, 1.5), asked)).toBe("not resolved");
    expect(judgeInterval(null, asked)).toBe("not resolved");
  });
});
