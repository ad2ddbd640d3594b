import { appendFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { falconExp } from "./cli.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const tiny = readFileSync(join(root, "experiments/falcon-tiny.yaml"), "utf8");

/** Starts a run of two configurations and kills it in its third trial, so that it cannot say anything more. */
async function killedRun() {
  const cwd = scratchFolder();
  const file = join(cwd, "tiny.yaml");
  const two = tiny.replace("[none, int8, fp4, nf4]", "[none, fp4]");
  writeFileSync(file, `${two}\ndisturbed_retries: 0\nrounds: 1\n`);
  const args = [join(root, "bin/falcon-exp.js"), "run", file, "--python", testPython()];
  const child = execa(process.execPath, args, { cwd, reject: false });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    if (stderr.includes("unquantized: trial 2/")) child.kill("SIGKILL");
  });
  await child;
  const [id = ""] = readdirSync(join(cwd, "results/falcon-tiny"));
  const folder = join(cwd, "results/falcon-tiny", id);
  const records = () =>
    readFileSync(join(folder, "records.jsonl"), "utf8")
      .split("\n")
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as RunFileRecord];
        } catch {
          return [];
        }
      });
  return { cwd, file, folder, id, records };
}

const completed = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) =>
    record.kind === "trial" && record.status === "completed" ? [record.trial_id] : [],
  );

test("a run whose controller was killed is resumed by its frozen plan until every trial is measured once", async () => {
  const { cwd, file, folder, id, records } = await killedRun();
  const before = completed(records());
  expect(before.length).toBeGreaterThanOrEqual(2);
  expect(before.length).toBeLessThan(12);
  expect(readdirSync(folder)).toContain("run.lock");
  // The last record is torn, as by a power cut, and the experiment file has changed since.
  appendFileSync(join(folder, "records.jsonl"), '{"schema_version":1,"run_id":"2026');
  writeFileSync(file, readFileSync(file, "utf8").replace("[none, fp4]", "[none, fp4, nf4]"));
  const resumed = await falconExp(["run", file, "--resume", "--python", testPython()], { cwd });
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  expect(resumed.stderr).toContain("the run's own frozen plan is used");
  expect(resumed.stderr).toContain(`${12 - before.length} of 12 trials left`);
  expect(resumed.stdout).toContain("bf16 (unquantized): took 2 attempts");
  const after = completed(records());
  expect(after).toHaveLength(12);
  expect(new Set(after).size).toBe(12);
  expect(after.slice(0, before.length)).toEqual(before);
  expect(readdirSync(folder)).not.toContain("run.lock");
  expect(readFileSync(join(folder, "log.jsonl"), "utf8")).toContain("lock-taken-over");

  const again = await falconExp(["run", "--resume", `falcon-tiny/${id}`], { cwd });
  expect(again.exitCode, again.stderr).toBe(0);
  expect(again.stderr).toContain("Nothing is left to measure");
  expect(completed(records())).toHaveLength(12);
  expect(readdirSync(folder)).not.toContain("run.lock");
});

test.each([
  [["run"], "run-not-named"],
  [["run", "--resume"], "run-not-named"],
  [["run", "--retry-failed"], "run-not-named"],
  [["run", "--resume", "quant", "--set", "repeats=2"], "resume-with-set"],
  [["run", "--resume", "quant", "--reuse"], "resume-with-reuse"],
])("falcon-exp %j is refused as %s, and nothing is made", async (args, code) => {
  const cwd = scratchFolder();
  const { exitCode, stderr } = await falconExp(args, { cwd });
  expect(exitCode).toBe(2);
  expect(stderr).toContain(code);
  expect(readdirSync(cwd)).toEqual([]);
});

test("a run whose plan was changed, or is gone, is not resumed", async () => {
  const cwd = scratchFolder();
  const example = join(root, "results/example/quant");
  const [id = ""] = readdirSync(example);
  const folder = join(cwd, "results/quant", id);
  cpSync(join(example, id), folder, { recursive: true });
  const plan = join(folder, "plan.jsonl");
  const text = readFileSync(plan, "utf8");
  writeFileSync(plan, text.replace('"warmup":1', '"warmup":0'));
  const changed = await falconExp(["run", "--resume", "quant"], { cwd });
  expect([changed.exitCode, changed.stderr]).toEqual([7, expect.stringContaining("resume-plan-changed")]);
  writeFileSync(plan, "");
  const gone = await falconExp(["run", "--resume", "quant"], { cwd });
  expect([gone.exitCode, gone.stderr]).toEqual([7, expect.stringContaining("resume-plan-unreadable")]);
});
