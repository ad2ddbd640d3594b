import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RatioInterval } from "../../bench/overhead/statistics.js";
import { combineSweeps, type SweepParts } from "../../bench/overhead/sweep-parts.js";

function ratio(value: number, halfWidth = 0): RatioInterval {
  return { ratio: value, low: value - halfWidth, high: value + halfWidth, halfWidth, loads: 9, pairs: 9 };
}

/** A sweep of one configuration. */
function sweep(rest: readonly [number, number], generates: readonly [number, number]): SweepParts {
  return {
    productSec: rest[0] + generates[0],
    scriptSec: rest[1] + generates[1],
    productGeneratesSec: { none: generates[0] },
    scriptGeneratesSec: { none: generates[1] },
  };
}

const seconds = fc.double({ min: 1, max: 100, noNaN: true });

describe("combineSweeps", () => {
  it("is the plain ratio of the sweeps where each sweep's generates have the ratio that was measured in pairs", () => {
    fc.assert(
      fc.property(
        seconds,
        seconds,
        seconds,
        fc.double({ min: 0.9, max: 1.1, noNaN: true }),
        (a, b, c, by) => {
          const same = sweep([a, b], [c * by, c]);
          const combined = combineSweeps([same, same], { none: ratio(by) });
          expect(combined?.ratio).toBeCloseTo(same.productSec / same.scriptSec, 9);
          expect(combined?.halfWidth).toBeCloseTo(0, 9);
        },
      ),
    );
  });

  it("does not care how lucky the generates of a sweep were", () => {
    const lucky = combineSweeps([sweep([11, 10], [25, 30]), sweep([11, 10], [25, 30])], { none: ratio(1) });
    expect(lucky?.ratio).toBeCloseTo(1 + 1 / 40, 9);
  });

  it("adds the uncertainty of the generates by their share of the time", () => {
    const same = sweep([10, 10], [30, 30]);
    expect(combineSweeps([same, same], { none: ratio(1, 0.01) })?.halfWidth).toBeCloseTo(0.0075, 9);
  });

  it("says nothing of one sweep, nor without the ratio of a configuration", () => {
    const same = sweep([10, 10], [30, 30]);
    expect(combineSweeps([same], { none: ratio(1) })).toBeNull();
    expect(combineSweeps([same, same], { int8: ratio(1) })).toBeNull();
  });
});
