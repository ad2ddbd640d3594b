import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { countRoom, nextArray } from "../../src/executor/slurm/arrays.js";
import { slurmClient } from "../../src/executor/slurm/client.js";
import { DEFAULT_LIMITS, parseLimits, saysFull } from "../../src/executor/slurm/limits.js";
import { parseTimeLimit } from "../../src/executor/slurm/time-limit.js";
import { scratchFolder } from "../fixtures/run-folder.js";

test.each([
  [undefined, null],
  [90, 5400],
  ["90", 5400],
  ["30:00", 1800],
  ["01:30:00", 5400],
  ["1-12", 129_600],
  ["1-12:30", 131_400],
  ["2-00:00:10", 172_810],
  ["UNLIMITED", null],
  ["0", null],
])("a time limit of %s is %s seconds", (text, seconds) => {
  expect(parseTimeLimit(text)).toBe(seconds);
});

test("an array has indexes below MaxArraySize, and tasks of one range of slices", () => {
  const waiting = [7, 2, 3, 4, 0];
  const of = (most: number) => nextArray(waiting, { maxArraySize: 3, most });
  expect(of(9)).toEqual({ slices: [0, 2], offset: 0 });
  expect(of(1)).toEqual({ slices: [0], offset: 0 });
  expect(of(0)).toBeNull();
  expect(nextArray([7, 4, 3], { maxArraySize: 3, most: 9 })).toEqual({ slices: [3, 4], offset: 3 });
  expect(nextArray([], { maxArraySize: 3, most: 9 })).toBeNull();
});

test.each([
  ["all that MaxJobCount leaves but a tenth", { waiting: 50, arrayLimit: null }, { jobs: 60, own: 0 }, 30],
  ["nothing where it is full", { waiting: 50, arrayLimit: null }, { jobs: 95, own: 0 }, 0],
  ["a first array, whatever its own limit", { waiting: 50, arrayLimit: 4 }, { jobs: 0, own: 0 }, 90],
  ["no second array beside one with a limit", { waiting: 50, arrayLimit: 4 }, { jobs: 1, own: 1 }, 0],
  ["what is lost, beside others, within that limit", { waiting: 2, arrayLimit: 4 }, { jobs: 2, own: 2 }, 88],
])("there is room for %s", (_, wanted, crowd, room) => {
  expect(countRoom(wanted, crowd, { maxJobCount: 100 })).toBe(room);
});

test("limits are read of Slurm's configuration, and are Slurm's own where it names none", () => {
  const text =
    "MaxArraySize            = 4001\nMaxDBDMsgs              = 20008\nMaxJobCount             = 50000\n";
  expect(parseLimits(text)).toEqual({ maxArraySize: 4001, maxJobCount: 50_000 });
  expect(parseLimits("")).toEqual(DEFAULT_LIMITS);
});

test.each([
  ["sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates …", true],
  ["sbatch: error: QOSMaxSubmitJobPerUserLimit", true],
  ["sbatch: error: AssocGrpSubmitJobsLimit", true],
  ["sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying.", true],
  [
    "sbatch: error: QOSMaxWallDurationPerJobLimit\nsbatch: error: Batch job submission failed: Job violates …",
    false,
  ],
  ["sbatch: error: invalid partition specified: nowhere", false],
])("%j may end by waiting: %s", (said, isFull) => {
  expect(saysFull(said)).toBe(isFull);
});

/** Makes these scripts Slurm's commands until the end of the test. */
function pretendSlurm(commands: Readonly<Record<string, string>>): void {
  const folder = scratchFolder();
  for (const [name, lines] of Object.entries(commands)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv("PATH", `${folder}:/usr/bin:/bin`);
}

test("sbatch that would wait for room is not waited for, and one without an answer may have succeeded", async () => {
  pretendSlurm({
    sbatch:
      'echo "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying." >&2; exec sleep 100',
    scontrol: "exit 1",
  });
  await expect(slurmClient.submit("#!/bin/sh\n")).resolves.toMatchObject({ kind: "full" });
  await expect(slurmClient.limits()).resolves.toBeNull();
  pretendSlurm({
    sbatch: 'echo "sbatch: error: Unable to contact slurm controller (connect failure)" >&2; exit 1',
  });
  await expect(slurmClient.submit("#!/bin/sh\n")).resolves.toMatchObject({ kind: "unanswered" });
  pretendSlurm({ sbatch: 'echo "sbatch: error: invalid partition specified: nowhere" >&2; exit 1' });
  await expect(slurmClient.submit("#!/bin/sh\n")).rejects.toMatchObject({ code: "slurm-submit-failed" });
  pretendSlurm({ sbatch: "cat > /dev/null; echo 17", scontrol: "echo MaxArraySize = 3" });
  await expect(slurmClient.submit("#!/bin/sh\n")).resolves.toEqual({ kind: "taken", id: "17" });
  await expect(slurmClient.limits()).resolves.toEqual({ ...DEFAULT_LIMITS, maxArraySize: 3 });
});
