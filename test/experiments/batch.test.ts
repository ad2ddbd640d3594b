import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { CompletedTrial, RunFileRecord } from "../../src/run/record-types.js";
import { falconExp } from "../commands/cli.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const file = fileURLToPath(new URL("../../experiments/batch.yaml", import.meta.url));

test("batch.yaml on a real model: in float32 every row answers as its prompt does alone, and the chart is drawn", async () => {
  const cwd = scratchFolder();
  const prompts = [
    "Why is the sky blue?",
    "Name a river.",
    "What is the difference between a tide and a wave?",
  ];
  const changes = [
    `prompts=${JSON.stringify(prompts)}`,
    "matrix={batch_size: [1, 3], dtype: float32}",
    "generation={max_new_tokens: 6, min_new_tokens: 6}",
    "rounds=1",
    "disturbed_retries=0",
    "warmup=0",
  ];
  const { exitCode, stdout, stderr } = await falconExp(
    ["run", file, "--json", ...changes.flatMap((change) => ["--set", change])],
    { cwd },
  );
  expect(exitCode, stderr).toBe(0);
  const folder = join(cwd, "results/batch", (JSON.parse(stdout) as { run_id: string }).run_id);
  const trials = readFileSync(join(folder, "records.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as RunFileRecord)
    .filter((record): record is CompletedTrial => record.kind === "trial" && record.status === "completed");
  const alone = new Map(
    trials.flatMap(({ prompt_id, measurement: { rows, output_ids } }) =>
      rows === null ? [[prompt_id, output_ids] as const] : [],
    ),
  );
  const batches = trials.filter(({ measurement }) => measurement.rows !== null);
  expect([alone.size, batches.length]).toEqual([3, 3]);
  for (const { batch_prompt_ids: ids, measurement } of batches) {
    expect(new Set(ids)).toEqual(new Set(["p1", "p2", "p3"]));
    expect(measurement.rows?.map(({ output_ids }) => output_ids)).toEqual(ids?.map((id) => alone.get(id)));
    expect(measurement.output_tokens).toBe(18);
  }
  expect(existsSync(join(folder, "charts/batch.png"))).toBe(true);
});
