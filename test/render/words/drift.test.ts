import { expect, test } from "vitest";
import { computeDrift } from "../../../src/analysis/drift.js";
import { describeDrift } from "../../../src/render/words/drift.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { scoredRun } from "../../fixtures/quality.js";

test("drift is told with where it was and how much slower the machine was", () => {
  const drift = computeDrift(groupRecords(scoredRun(), "test").driftProbes);
  expect(drift === null ? null : describeDrift(drift)).toContain(
    "the machine was slower at the end: 1.20× the time at the start",
  );
});
