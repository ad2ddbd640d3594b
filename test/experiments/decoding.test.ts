import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { falconExp } from "../commands/cli.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const file = fileURLToPath(new URL("../../experiments/decoding.yaml", import.meta.url));

test("decoding.yaml: prompt lookup says the same, and the conversation and its answers are in the report", async () => {
  const cwd = scratchFolder();
  const changes = ["generation.max_new_tokens=8", "repeats=1", "rounds=1", "disturbed_retries=0", "warmup=0"];
  const { exitCode, stdout, stderr } = await falconExp(
    ["run", file, "--json", ...changes.flatMap((change) => ["--set", change])],
    { cwd },
  );
  expect(exitCode, stderr).toBe(0);
  const summary = JSON.parse(stdout);
  const folder = join(cwd, "results/decoding", summary.run_id);
  const trials = readFileSync(join(folder, "records.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as RunFileRecord)
    .flatMap((record) => (record.kind === "trial" && record.status === "completed" ? [record] : []));
  expect(trials).toHaveLength(4);
  const idsOf = (configuration: string) =>
    trials
      .filter((trial) => trial.configuration === configuration)
      .map(({ measurement }) => measurement.output_ids);
  const [plain, lookup] = summary.configurations.map(({ label }: { label: string }) => label);
  expect(idsOf(lookup)).toEqual(idsOf(plain));
  const [, drafted] = summary.configurations;
  expect(drafted.accepted_draft_share.max).toBeGreaterThan(0);
  expect(drafted.label).toContain("lookup 10");
  const answers = readFileSync(join(folder, "answers.md"), "utf8");
  expect(answers).toContain("assistant: A banana.");
});
