import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { writeSummary } from "../../src/render/words/summary.js";
import { readRun } from "../../src/run/run-data.js";
import type { RunSummary } from "../../src/run/summary-schema.js";
import { tableParquet } from "../../src/run/table/parquet.js";
import { listRows } from "../../src/run/table/rows.js";

const golden = fileURLToPath(new URL("../golden/records/", import.meta.url));
const names = readdirSync(golden).filter((name) => name.startsWith("v"));

/** Returns the parts of a summary that are measured rather than worded. */
function pickValues(summary: RunSummary) {
  return {
    run_id: summary.run_id,
    status: summary.status,
    trials: [summary.trials_planned, summary.trials_completed, summary.trials_failed],
    configurations: summary.configurations.map((one) => ({
      label: one.label,
      status: one.status,
      failure: one.failure?.code ?? null,
      weights_bytes: one.weights_bytes,
      load_sec: one.load_sec,
      peak_memory_bytes: one.peak_memory_bytes,
      elapsed_sec: one.elapsed_sec,
      decode_tokens_per_sec: one.decode_tokens_per_sec,
      // Summaries written by the first version do not have these keys.
      perplexities: (one.quality ?? []).map(({ text_id, perplexity }) => [text_id, perplexity]),
      tasks: (one.lm_eval ?? []).map(({ task, metric, value }) => [task, metric, value]),
    })),
  };
}

test("records of every stage are kept", () => {
  expect(names.length).toBeGreaterThan(3);
});

test.each(names)(
  "the records of %s are read whole, and give the figures that they gave then",
  async (name) => {
    const { data, warnings } = await readRun(join(golden, name));
    expect(warnings).toEqual([]);
    const then = JSON.parse(readFileSync(join(golden, name, "summary.json"), "utf8")) as RunSummary;
    const now = writeSummary(data);
    expect(pickValues(now)).toEqual(pickValues(then));
    expect(now.configurations.map(({ status }) => status)).toContain("completed");
    expect(now.configurations.map(({ status }) => status)).toContain("failed");
  },
);

test("runs of every stage make one table", async () => {
  const runs = await Promise.all(names.map(async (name) => (await readRun(join(golden, name))).data));
  const rows = [...listRows(runs)];
  expect(new Set(rows.map(({ run_id }) => run_id)).size).toBe(names.length);
  expect(rows.filter(({ status }) => status === "completed").length).toBeGreaterThan(15);
  expect(tableParquet(rows).length).toBeGreaterThan(1000);
});
