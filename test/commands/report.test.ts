import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ExitCode } from "../../src/base/exit-codes.js";
import { run } from "../../src/commands/report.js";
import { RunPaths } from "../../src/run/paths.js";
import { testIo } from "../fixtures/io.js";
import { type FakeRunOptions, fakeRun, RUN_ID, THREE } from "../fixtures/records.js";
import { folderWithRecords, scratchFolder } from "../fixtures/run-folder.js";

/** Makes a working folder with one run of `quant` in `results/` that has nothing but its records. */
function workplace(options: FakeRunOptions = {}): { cwd: string; paths: RunPaths } {
  const cwd = scratchFolder();
  const paths = RunPaths.of(join(cwd, "results"), "quant", RUN_ID);
  mkdirSync(paths.folder, { recursive: true });
  cpSync(folderWithRecords(fakeRun(options).records).records, paths.records);
  return { cwd, paths };
}

async function report(cwd: string, which: string, json = false) {
  const { io, stdout, stderr } = testIo(cwd);
  const exitCode = await run(io, { run: which, results: "results", json });
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

test("the newest run of an experiment is drawn again, and its table and folder are shown", async () => {
  const { cwd, paths } = workplace();
  const { exitCode, stdout, stderr } = await report(cwd, "quant");
  expect(exitCode).toBe(ExitCode.ok);
  expect(stdout).toContain("│ bf16 *");
  expect(stdout.trimEnd().endsWith(`Results: ${paths.folder}`)).toBe(true);
  expect(stderr).toBe("");
  expect(existsSync(paths.chart("overview", ".png"))).toBe(true);
});

test("with --json stdout is the summary document and nothing else", async () => {
  const { cwd, paths } = workplace();
  const { stdout, stderr } = await report(cwd, "quant", true);
  expect(stdout).toBe(readFileSync(paths.summary, "utf8"));
  expect(JSON.parse(stdout)).toMatchObject({ run_id: RUN_ID, status: "completed", trials_completed: 15 });
  expect(stderr).toBe("");
});

test("a run can be named by its folder or by its records", async () => {
  const { cwd, paths } = workplace();
  for (const which of [paths.folder, paths.records, `quant/${RUN_ID}`]) {
    expect((await report(cwd, which)).stdout, which).toContain(paths.folder);
  }
});

test("a report of a run in which everything failed is itself a success, and says what failed", async () => {
  const { cwd } = workplace({ configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) });
  const { exitCode, stdout } = await report(cwd, "quant");
  expect(exitCode).toBe(ExitCode.ok);
  expect(stdout).toContain("fp4 failed: quantization-not-applied");
});

test("a run that is not there is an error that names the experiments that are", async () => {
  const { cwd } = workplace();
  await expect(report(cwd, "quart")).rejects.toMatchObject({
    code: "run-not-found",
    exitCode: ExitCode.resultsFailed,
    next: expect.stringContaining("quant"),
  });
});
