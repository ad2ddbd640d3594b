import { expect, test } from "vitest";
import { estimateCheck } from "../../src/analysis/estimate-check.js";
import { groupRecords } from "../../src/run/run-data.js";
import { fakeRun } from "../fixtures/records.js";

test("a configuration may have more answers than a function takes arguments", () => {
  const [configuration] = groupRecords(fakeRun().records, "here").configurations;
  if (configuration === undefined) throw new Error("the run has no configuration");
  const [answer, ...others] = configuration.trials.flatMap((trial) =>
    trial.status === "completed" ? [trial] : [],
  );
  if (answer === undefined) throw new Error("the configuration has no trial");
  const { input_tokens, truncated_tokens, output_tokens, finish_reason } = answer.measurement;
  const tokens = { input_tokens, truncated_tokens, output_tokens, finish_reason };
  const row = { ...tokens, output_text: "", output_ids: [], output_ids_sha256: "" };
  const rows = Array.from({ length: 200_000 }, () => row);
  const many = { ...answer, measurement: { ...answer.measurement, rows } };
  expect(estimateCheck({ ...configuration, trials: [many, ...others] })).toEqual(
    estimateCheck(configuration),
  );
  expect(estimateCheck(configuration)).not.toBeNull();
});
