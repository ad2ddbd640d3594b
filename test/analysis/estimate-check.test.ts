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

test("a static cache is checked against its room, which is the same however soon the answers end", () => {
  const [configuration] = groupRecords(fakeRun().records, "here").configurations;
  if (configuration === undefined) throw new Error("the run has no configuration");
  const check = (
    limits: { readonly max_new_tokens: number | null; readonly max_length: number | null },
    batch_size: number,
    prompts: readonly number[],
  ) => {
    const { plan, trials } = configuration;
    const generation = { ...plan.generation, ...limits, cache: { type: "static" as const } };
    const measured = trials.map((trial, index) =>
      trial.status === "completed"
        ? {
            ...trial,
            measurement: {
              ...trial.measurement,
              input_tokens: prompts[index % prompts.length] ?? 0,
              output_tokens: 2,
            },
          }
        : trial,
    );
    return estimateCheck({
      ...configuration,
      plan: { ...plan, batch_size, generation },
      trials: measured,
    })?.kv_cache_bytes;
  };
  const oneToken = (check({ max_new_tokens: 1, max_length: null }, 1, [1]) ?? 0) / 2;
  expect(oneToken).toBeGreaterThan(0);
  expect(check({ max_new_tokens: 100, max_length: null }, 1, [20, 50])).toBe(150 * oneToken);
  expect(check({ max_new_tokens: null, max_length: 100 }, 1, [20, 50])).toBe(100 * oneToken);
  expect(check({ max_new_tokens: null, max_length: 100 }, 4, [20, 50])).toBe(4 * 130 * oneToken);
});
