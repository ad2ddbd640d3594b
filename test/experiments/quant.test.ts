import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { falconExp } from "../commands/cli.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const file = fileURLToPath(new URL("../../experiments/quant.yaml", import.meta.url));

test("quant.yaml measures a real model: 15 trials, weights fp4 < int8 < bf16, answers that differ", async () => {
  const cwd = scratchFolder();
  // Half as many tokens as in the file, which is enough for answers to differ; times are not looked at.
  const sets = [
    ...["generation.max_new_tokens=16", "generation.min_new_tokens=16"],
    ...["warmup=0", "rounds=1", "disturbed_retries=0"],
  ].flatMap((one) => ["--set", one]);
  const { exitCode, stdout, stderr } = await falconExp(["run", file, "--json", ...sets], { cwd });
  expect(exitCode, stderr).toBe(0);
  const { run_id } = JSON.parse(stdout) as { run_id: string };
  const records = readFileSync(join(cwd, "results/quant", run_id, "records.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as RunFileRecord);
  const trials = records.flatMap((record) =>
    record.kind === "trial" && record.status === "completed" ? [record] : [],
  );
  expect(trials).toHaveLength(15);
  const proofs = new Map(
    records.flatMap((record) => (record.kind === "load" ? [[record.configuration, record.load.proof]] : [])),
  );
  const [none, int8, fp4] = ["none", "int8", "fp4"].map((label) => proofs.get(label));
  expect(int8?.linear_classes.Linear8bitLt).toBeGreaterThan(0);
  expect(fp4?.linear_classes.Linear4bit).toBeGreaterThan(0);
  expect(none?.dtype).toBe("bfloat16");
  expect(fp4?.weights_bytes).toBeLessThan(int8?.weights_bytes ?? 0);
  expect(int8?.weights_bytes).toBeLessThan(none?.weights_bytes ?? 0);
  const textsByPrompt = [0, 1, 2, 3, 4].map((index) => {
    const own = trials.filter((trial) => trial.prompt_index === index);
    return new Set(own.map((trial) => trial.measurement.output_text)).size;
  });
  expect(Math.max(...textsByPrompt)).toBe(3);
});
