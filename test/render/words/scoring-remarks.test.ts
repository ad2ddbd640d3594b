import { expect, test } from "vitest";
import { describeRecompiled, describeScoring } from "../../../src/render/words/remarks.js";
import type { ConfigurationData } from "../../../src/run/run-data.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { scoredRun } from "../../fixtures/quality.js";
import { THREE } from "../../fixtures/records.js";

function first(generation: object): ConfigurationData {
  const [own] = groupRecords(scoredRun({ configurations: THREE.slice(0, 1) }), "test").configurations;
  if (own === undefined) throw new Error("the run has no configuration");
  return { ...own, plan: { ...own.plan, generation: { ...own.plan.generation, ...generation } } };
}

test("what was scored in another way than it answered says so", () => {
  expect(describeScoring(first({}))).toEqual([]);
  expect(describeScoring(first({ compile: "forward" }))).toEqual([
    "its texts were scored by the uncompiled forward pass",
  ]);
});

test("a trial that was measured again because of a compilation is told", () => {
  const { trials } = first({});
  const completed = trials.flatMap((trial) => (trial.status === "completed" ? [trial] : []));
  expect(describeRecompiled(completed)).toEqual([]);
  const again = completed.map((trial) => ({
    ...trial,
    measurement: { ...trial.measurement, recompilations: 1 },
  }));
  expect(describeRecompiled(again.slice(0, 1))).toEqual([
    "1 trial measured again, because something was compiled during the trial",
  ]);
});
