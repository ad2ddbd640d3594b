/** `falcon-exp run` on disks that behave unlike a local one: real disks, or disks whose answers are changed in the program. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { smallDisk } from "../fixtures/small-disk.js";
import { prepareRun, scriptedPython, TINY_EXPERIMENT } from "../fixtures/started-run.js";

type Prepared = ReturnType<typeof prepareRun>;

const preload = pathToFileURL(join(import.meta.dirname, "../fixtures/lossy-network-disk.mjs")).href;
const onDisk = (disk: "lossy" | "no-links") => ({
  NODE_OPTIONS: `--import=${preload}`,
  FALCON_EXP_TEST_DISK: disk,
});

const command = ({ command: [file, ...args], cwd, env }: Prepared, ...more: readonly string[]) =>
  execa(file, [...args, ...more], { cwd, env, reject: false });

function runFolder({ cwd }: Prepared): string {
  const experiment = join(cwd, "results", "tiny");
  return join(experiment, readdirSync(experiment)[0] ?? "");
}

/** Expects all files of the run, and neither a lock nor a half-written file. */
function expectWhole(run: Prepared): void {
  const folder = runFolder(run);
  for (const file of [
    "plan.jsonl",
    "summary.json",
    "records.parquet",
    "report.html",
    "charts/overview.png",
  ]) {
    expect(existsSync(join(folder, file)), file).toBe(true);
  }
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  expect(names.filter((name) => /lock|\.\d+$/.test(name))).toEqual([]);
}

test("a disk that renames and links but loses the answer, as NFS may, holds a whole run", async () => {
  const run = prepareRun({ python: scriptedPython("good"), env: onDisk("lossy") });
  const { exitCode, stderr } = await command(run);
  expect(exitCode, stderr).toBe(0);
  expectWhole(run);
});

test("a disk without hard links keeps one run out of another's folder, and lets go of it", async () => {
  const run = prepareRun({ python: scriptedPython("gated-generate"), env: onDisk("no-links") });
  const first = command(run);
  await run.held();
  const second = await command(run, "--resume", runFolder(run));
  expect(second.exitCode, second.stderr).toBe(7);
  expect(second.stderr).toContain("results-locked");
  run.openGate();
  const { exitCode, stderr } = await first;
  expect(exitCode, stderr).toBe(0);
  expectWhole(run);
});

test("a disk that fills up under the command ends it with what to do, and with space the run is resumed", async () => {
  const disk = smallDisk("64k");
  const experiment = `${TINY_EXPERIMENT}repeats: 30\n`;
  const run = prepareRun({ python: scriptedPython("good"), experiment });
  symlinkSync(disk.folder, join(run.cwd, "results"));
  const cut = await command(run);
  expect(cut.exitCode, cut.stderr).toBe(7);
  expect(cut.stderr).toContain("results-write-failed");
  expect(cut.stderr).toMatch(/free space/i);
  expect(cut.stderr).toContain("falcon-exp run --resume");
  await run.gone(10_000);
  disk.remount("size=64m");
  const { exitCode, stderr } = await command(run, "--resume", runFolder(run));
  expect(exitCode, stderr).toBe(0);
  expectWhole(run);
});

test("a disk behind stderr or stdout that takes nothing does not end the run; what is missing on stdout is told", async () => {
  for (const [stream, code] of [
    ["stderr", 0],
    ["stdout", 7],
  ] as const) {
    const run = prepareRun({ python: scriptedPython("good") });
    const [file, ...args] = run.command;
    const full = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(full));
    const child = spawn(file, args, {
      cwd: run.cwd,
      env: { ...process.env, ...run.env },
      stdio: ["ignore", stream === "stdout" ? full : "ignore", stream === "stderr" ? full : "ignore"],
    });
    const [exitCode] = await once(child, "exit");
    expect(exitCode).toBe(code);
    expectWhole(run);
    expect(readdirSync(run.temporary)).toEqual([]);
  }
});

test("a relative TMPDIR is meant from where the run was started", async () => {
  const run = prepareRun({ python: scriptedPython("good"), temporary: "temporary" });
  mkdirSync(join(run.cwd, "temporary"));
  const { exitCode, stderr } = await command(run);
  expect(exitCode, stderr).toBe(0);
  expectWhole(run);
});
