/** Faults of the worker as a whole: its supervisor, its imports, and the folder of its sockets. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Plan } from "../../src/plan/plan-types.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { type Faults, faultyWorker, tinyPlan, workerWithoutLibraries } from "../fixtures/faults.js";
import { smallPlan } from "../fixtures/plans.js";
import { MARKER, processesWith } from "../fixtures/processes.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { type OnRunEvent, runPlanWith } from "../fixtures/run-plan.js";

const scripted = fileURLToPath(new URL("../fixtures/workers/scripted.py", import.meta.url));

const configurations = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) => (record.kind === "configuration" ? [record] : []));
const failures = (records: readonly RunFileRecord[]) =>
  configurations(records).flatMap((record) => (record.status === "failed" ? [record.failure] : []));

/** Gives the test its own temporary folder: whatever is in it at the end was left behind. */
function useTemporaryFolder(folder = scratchFolder()): string {
  vi.stubEnv("TMPDIR", folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

/** What falcon-exp has left in a temporary folder; the cache that torch keeps there is not counted. */
const left = (temporary: string) =>
  readdirSync(temporary).filter((name) => !name.startsWith("torchinductor"));

const goodWorker = () => ({ pythonPath: testPython(), env: {}, program: [scripted, "--behaviour", "good"] });

/** Runs the plan and keeps its files in `folder`, which is not the temporary folder of the worker. */
const runIn = (
  folder: string,
  worker: Parameters<typeof runPlanWith>[0],
  plan: Plan,
  onEvent: OnRunEvent = () => {},
) => runPlanWith(worker, plan, onEvent, { logprobsFolder: join(folder, "logprobs") });

const start = (faults: Faults) => runIn(scratchFolder(), faultyWorker(faults), tinyPlan(["none"]));

test("a supervisor that dies or stands still fails its configuration, and a new worker measures the next", async () => {
  const folder = scratchFolder();
  const temporary = useTemporaryFolder();
  const marker = `supervisor-${process.pid}`;
  const worker = workerWithoutLibraries({ [MARKER]: marker });
  const plan = smallPlan(["killed", "stopped", "good"], { timeouts: { heartbeat_sec: 8 } });
  const asked: Record<string, string> = {
    "killed-0/p2/r1": "kill the supervisor",
    "stopped-1/p2/r1": "stop the supervisor",
  };
  const trials = plan.trials.map((trial) => ({ ...trial, prompt: asked[trial.id] ?? trial.prompt }));
  const { records, status } = await runIn(folder, worker, { ...plan, trials });
  expect(status).toBe("partly_failed");
  expect(configurations(records)).toMatchObject([
    {
      status: "failed",
      trials_completed: 1,
      failure: { code: "worker-died", signal: "SIGKILL", phase: "measure" },
    },
    { status: "failed", trials_completed: 1, failure: { code: "worker-hung", phase: "measure" } },
    { status: "completed", trials_completed: 2 },
  ]);
  expect(records.filter((record) => record.kind === "environment")).toHaveLength(3);
  await vi.waitFor(() => expect(processesWith(marker)).toEqual([]), { timeout: 30_000 });
  expect(left(temporary)).toEqual([]);
});

test.each(["torch", "transformers", "bitsandbytes"])(
  "an import error of %s is recorded as import-failed with its traceback",
  async (library) => {
    const { records, status } = await start({ missing: library });
    expect(status).toBe("all_failed");
    const [failure] = failures(records);
    expect(failure).toMatchObject({ code: "import-failed", phase: "start" });
    expect(failure?.message).toContain(`${library}: cannot open shared object file`);
    expect(failure?.traceback).toContain("preload.py");
  },
);

test("an import error of pyzmq, without which nobody can speak, is recorded with the worker's last words", async () => {
  const { records, status } = await start({ missing: "zmq" });
  expect(status).toBe("all_failed");
  expect(failures(records)[0]).toMatchObject({
    code: "worker-start-failed",
    exit_code: null,
    phase: "start",
  });
  expect(failures(records)[0]?.message).toContain("exit code 1");
  expect(failures(records)[0]?.stderr_tail.join("\n")).toContain("zmq: cannot open shared object file");
});

test("a library of a wrong version is named with what is needed, before anything is loaded", async () => {
  const { records, status } = await start({ versions: { transformers: "4.57.1", bitsandbytes: "0.47.0" } });
  expect(status).toBe("all_failed");
  expect(failures(records)[0]).toMatchObject({
    code: "library-unsupported",
    message: "transformers 4.57.1, needed >=5,<6; bitsandbytes 0.47.0, needed >=0.48",
  });
});

test("a Python behind a shell script that is killed shows as exit code 137, with the signal named", async () => {
  const script = join(scratchFolder(), "python");
  writeFileSync(script, `#!/bin/sh\n"${testPython()}" "$@"\nexit $?\n`);
  chmodSync(script, 0o755);
  const worker = { pythonPath: script, env: {}, program: [scripted, "--behaviour", "die-in-load"] };
  const { records } = await runIn(scratchFolder(), worker, smallPlan(["none"]));
  expect(failures(records)[0]).toMatchObject({ code: "worker-died", exit_code: 137, signal: null });
  expect(failures(records)[0]?.message).toContain("SIGKILL");
});

test("a TMPDIR too long for a socket's path is not used, and the run completes", async () => {
  const long = join(scratchFolder(), "a-rather-long-name-".repeat(5));
  mkdirSync(long);
  useTemporaryFolder(long);
  const { status, records } = await runIn(scratchFolder(), workerWithoutLibraries(), smallPlan(["none"]));
  expect(status, JSON.stringify(failures(records))).toBe("completed");
});

test("the longest TMPDIR that still fits holds every socket of the worker", async () => {
  const scratch = scratchFolder();
  const fitting = join(scratch, "x".repeat(103 - 33 - 18 - scratch.length));
  mkdirSync(fitting);
  useTemporaryFolder(fitting);
  const seen: string[] = [];
  const { status } = await runIn(
    scratch,
    workerWithoutLibraries(),
    smallPlan(["none"]),
    ({ type }) => void (type === "worker-ready" && seen.push(...left(fitting))),
  );
  expect(status).toBe("completed");
  expect(seen).toHaveLength(1);
  expect(left(fitting)).toEqual([]);
});

test("a temporary folder that does not exist ends the run with runtime-dir-failed and what to do", async () => {
  const folder = scratchFolder();
  useTemporaryFolder("/proc/falcon-exp-nowhere");
  await expect(runIn(folder, goodWorker(), smallPlan(["none"]))).rejects.toMatchObject({
    code: "runtime-dir-failed",
    next: expect.stringContaining("TMPDIR"),
  });
});

test.each([
  // A folder needs an inode, and the only one is used by the mount itself; a file in the folder needs a page.
  ["folders", "nr_inodes=1"],
  ["files", "size=4k"],
])(
  "a temporary folder without space for %s ends the run with runtime-dir-failed and what to do",
  async (_, limit) => {
    const full = scratchFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", limit, "tmpfs", full]);
    onTestFinished(() => void execFileSync("umount", [full]));
    if (limit.startsWith("size")) writeFileSync(join(full, "another's"), "x".repeat(4096));
    const before = readdirSync(full);
    const folder = scratchFolder();
    useTemporaryFolder(full);
    await expect(runIn(folder, goodWorker(), smallPlan(["none"]))).rejects.toMatchObject({
      code: "runtime-dir-failed",
      message: expect.stringContaining("ENOSPC"),
    });
    expect(readdirSync(full)).toEqual(before);
  },
);
