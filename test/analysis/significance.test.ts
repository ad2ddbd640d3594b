import { describe, expect, test } from "vitest";
import { computeVerdict } from "../../src/analysis/significance.js";
import { effect } from "../fixtures/effects.js";

describe("what is shown decides", () => {
  test("an interval that leaves out one is never called noise, and one that holds it never a difference", () => {
    expect(computeVerdict(effect(1.1, 1.02, 1.21))).toBe("more");
    expect(computeVerdict(effect(1.1, 0.999, 1.21))).toBe("within-noise");
  });

  test("less than what matters is the same, however narrow the interval", () => {
    expect(computeVerdict(effect(1.004, 1.002, 1.006))).toBe("same");
    expect(computeVerdict(effect(1.004, 1.002, 1.006), 0.001)).toBe("more");
    expect(computeVerdict(effect(1.008, 1.002, 1.02))).toBe("same");
  });
});
