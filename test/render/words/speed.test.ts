import { expect, test } from "vitest";
import { findSpeedReasons } from "../../../src/analysis/bandwidth.js";
import { explainSpeed } from "../../../src/render/words/speed.js";
import type { Effect } from "../../../src/run/summary-schema.js";

const explain = (...of: Parameters<typeof findSpeedReasons>) => explainSpeed(findSpeedReasons(...of));
const slower: Effect = { ratio: 2, pairs: 5, loads: 1, ci99_low: 1.9, ci99_high: 2.1, verdict: "more" };
const side = (utilization: number) => ({
  bandwidth_utilization: {
    n: 1,
    mean: utilization,
    median: utilization,
    sd: null,
    min: 0,
    max: 1,
    ci95_low: null,
    ci95_high: null,
  },
  profile: null,
});

test("slower with a bandwidth little used means that computing takes the time; much used, that reading does", () => {
  expect(explain(side(0.12), side(0.45), slower)).toBe(
    "compute-bound: uses 12 % of the memory bandwidth (reference: 45 %)",
  );
  expect(explain(side(0.8), side(0.9), slower)).toContain("memory-bound: uses");
  expect(explain(side(0.12), side(0.45), { ...slower, verdict: "within-noise" })).toBeNull();
  expect(explain(side(0.12), side(0.45), { ...slower, verdict: "disturbed" })).toBeNull();
});
