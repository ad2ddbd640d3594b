import { describe, expect, it } from "vitest";
import { summarizeLoads } from "../../bench/overhead/load-summary.js";
import type { Pair } from "../../bench/overhead/pairs.js";
import { formatTable, type Row } from "../../bench/overhead/table.js";

const interval = { ratio: 1.004, low: 0.999, high: 1.009, halfWidth: 0.005, loads: 6, pairs: 36 };
const row: Row = {
  what: "int8: product ÷ plain",
  interval,
  limit: 1.01,
  verdict: "holds",
  disturbed: 2,
  use: null,
};

function pair(measuredSec: number, againstSec: number, isDisturbed = false): Pair {
  const turn = (elapsedSec: number) => ({
    elapsedSec,
    text: "",
    cpuSec: 2 * elapsedSec,
    minorFaults: 1000 * elapsedSec,
    waitedSec: null,
    besideCpuSec: 0.0042,
  });
  const slot = { promptIndex: 0, measuredFirst: true };
  return { ...slot, measured: turn(measuredSec), against: turn(againstSec), othersCpus: 0, isDisturbed };
}

describe("formatTable", () => {
  it("gives the ratio, its interval, what it stands on, and the verdict", () => {
    expect(formatTable([row]).trim()).toMatch(
      /^int8: product ÷ plain +1\.0040 ± 0\.0050 \(0\.9990 to 1\.0090\), 36 pairs in 6 loads, 2 disturbed; limit 1\.01: holds$/,
    );
  });

  it("says of a comparison without a promise only whether it is resolved", () => {
    expect(formatTable([{ ...row, limit: null }])).toMatch(/2 disturbed; resolved$/);
    expect(formatTable([{ ...row, limit: null, verdict: "not resolved" }])).toMatch(
      /2 disturbed; not resolved$/,
    );
  });

  it("says that too little was undisturbed", () => {
    expect(formatTable([{ ...row, interval: null, verdict: "not resolved" }])).toContain(
      "(2 pairs disturbed): not resolved",
    );
  });

  it("shows below it what both sides used", () => {
    const loads = [{ configuration: "int8", measuredFirst: true, pairs: [pair(1.5, 1), pair(9, 9, true)] }];
    const summary = summarizeLoads(loads);
    expect(summary.disturbed).toBe(1);
    expect(formatTable([{ ...row, ...summary }]).split("\n")[1]).toBe(
      "    medians: 1.500 s, 3.000 CPU s, 4.2 ms beside, 1500 faults against 1.000 s, 2.000 CPU s, 4.2 ms beside, 1000 faults",
    );
  });
});

describe("summarizeLoads", () => {
  it("has no medians of pairs that were all disturbed", () => {
    const loads = [{ configuration: "none", measuredFirst: false, pairs: [pair(1, 1, true)] }];
    expect(summarizeLoads(loads)).toEqual({ disturbed: 1, use: null });
  });
});
