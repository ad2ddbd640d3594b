/** Faults of the process that holds the model: one run of the real worker, in which each configuration has its own fault. */
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { RunEvent } from "../../src/run/events.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { faultyWorker, tinyPlan } from "../fixtures/faults.js";
import { runPlanWith } from "../fixtures/run-plan.js";

const FAULTS = {
  "killed-in-load": ["load", "sigkill"],
  "killed-in-warmup": ["warmup", "sigkill"],
  "killed-in-measure": ["measure", "sigkill"],
  "killed-in-quality": ["quality", "sigkill"],
  crash: ["measure", "segfault"],
  "exit-137": ["measure", "exit-137"],
  exception: ["measure", "exception"],
  "device-memory": ["measure", "device-memory"],
  "device-lost": ["measure", "device-lost"],
  "device-fault": ["measure", "device-fault"],
  "memory-limit": ["load", "host-memory-limit"],
  "memory-cgroup": ["measure", "host-memory-cgroup"],
  flood: ["warmup", "flood"],
  stopped: ["measure", "sigstop"],
  "no-forkserver": ["measure", "kill-forkserver"],
} as const;
type Label = keyof typeof FAULTS;

const folder = mkdtempSync(join(tmpdir(), "falcon-exp-test-"));
const cgroup = join(memoryCgroups(), `falcon-exp-test-${process.pid}`);
let records: readonly RunFileRecord[] = [];
let rssGrowthBytes = 0;
let workersStarted = 0;

beforeAll(async () => {
  mkdirSync(cgroup);
  writeFileSync(
    join(cgroup, existsSync(join(cgroup, "memory.max")) ? "memory.max" : "memory.limit_in_bytes"),
    "2G",
  );
  const rssBefore = process.memoryUsage.rss();
  // Long enough for what the kernel does to a process while other tests run; the stopped process is waited for this long.
  const plan = tinyPlan([...Object.keys(FAULTS), "good"], { measure_sec: 30 });
  const worker = faultyWorker({ trials: FAULTS }, { FALCON_EXP_TEST_CGROUP: cgroup });
  const onEvent = ({ type }: RunEvent) => {
    if (type === "worker-starting") workersStarted += 1;
    rssGrowthBytes = Math.max(rssGrowthBytes, process.memoryUsage.rss() - rssBefore);
  };
  const run = await runPlanWith(worker, plan, onEvent, { logprobsFolder: join(folder, "logprobs") });
  records = run.records;
}, 400_000);

afterAll(async () => {
  // The worker's last processes are killed at the end of the run, and disappear a moment later.
  await vi.waitFor(() => rmdirSync(cgroup), { timeout: 30_000 });
  rmSync(folder, { recursive: true, force: true });
});

/** Returns the folder of cgroup v1 or v2; a machine without either cannot show what the kernel does when memory runs out. */
function memoryCgroups(): string {
  const v1 = "/sys/fs/cgroup/memory";
  return existsSync(v1) ? v1 : "/sys/fs/cgroup";
}

const of = (label: Label | "good") =>
  records.filter((record) => "configuration" in record && record.configuration === label);
const findEnd = (label: Label | "good") => of(label).find((record) => record.kind === "configuration");
const listTrials = (label: Label | "good") =>
  of(label).flatMap((record) => (record.kind === "trial" ? [record.status] : []));
const listFailures = (label: Label) =>
  of(label).flatMap((record) => ("failure" in record ? [record.failure] : []));

const killed = { code: "trial-process-died", signal: "SIGKILL", exit_code: null };

test("SIGKILL in load fails that configuration and no other", () => {
  expect(findEnd("killed-in-load")).toMatchObject({
    failure: { ...killed, phase: "load" },
    trials_completed: 0,
  });
});

test("SIGKILL in warm-up fails that configuration and no other", () => {
  expect(findEnd("killed-in-warmup")).toMatchObject({
    failure: { ...killed, phase: "warmup" },
    trials_completed: 0,
  });
});

test("SIGKILL in measure keeps the trial that was measured before", () => {
  expect(listTrials("killed-in-measure")).toEqual(["completed", "failed"]);
  expect(findEnd("killed-in-measure")).toMatchObject({
    failure: { ...killed, phase: "measure" },
    trials_completed: 1,
  });
});

test("SIGKILL in quality keeps every trial and says that the text was not scored", () => {
  expect(listTrials("killed-in-quality")).toEqual(["completed", "completed"]);
  expect(listFailures("killed-in-quality")).toMatchObject([{ ...killed, phase: "quality" }]);
});

test("a segfault is recorded with its signal and the Python lines that led to it", () => {
  const [failure] = listFailures("crash");
  expect(failure).toMatchObject({ code: "trial-process-died", signal: "SIGSEGV", phase: "measure" });
  expect(failure?.stderr_tail.join("\n")).toMatch(
    /Fatal Python error: Segmentation fault[\s\S]*sitecustomize\.py/,
  );
});

test("exit code 137 of a trial process is recorded as it is", () => {
  expect(listFailures("exit-137")[0]).toMatchObject({
    code: "trial-process-died",
    exit_code: 137,
    signal: null,
  });
});

test("a Python exception fails its trial with the traceback, and the process serves on", () => {
  expect(listTrials("exception")).toEqual(["completed", "failed"]);
  const [failure] = listFailures("exception");
  expect(failure).toMatchObject({
    code: "worker-exception",
    phase: "measure",
    exit_code: null,
    signal: null,
  });
  expect(failure?.traceback).toContain("a defect of a library");
  expect(findEnd("exception")).toMatchObject({ status: "completed" });
  expect(of("exception").find((record) => record.kind === "quality")).toMatchObject({ status: "completed" });
});

test("CUDA out of memory fails its trial, and what fits is still measured", () => {
  expect(listTrials("device-memory")).toEqual(["completed", "failed"]);
  expect(listFailures("device-memory")).toMatchObject([{ code: "out-of-memory-device", phase: "measure" }]);
  expect(of("device-memory").find((record) => record.kind === "quality")).toMatchObject({
    status: "completed",
  });
});

test("a device that vanishes ends its configuration as device-lost", () => {
  expect(listTrials("device-lost")).toEqual(["completed", "failed"]);
  expect(findEnd("device-lost")).toMatchObject({
    failure: { code: "device-lost", phase: "measure" },
    trials_completed: 1,
  });
});

test("a computation that fails on the device ends its configuration, as what it would say next is worth nothing", () => {
  expect(listTrials("device-fault")).toEqual(["completed", "failed"]);
  expect(findEnd("device-fault")).toMatchObject({
    failure: { code: "device-fault", phase: "measure" },
    trials_completed: 1,
  });
});

test("a limit on memory fails the load as out-of-memory-host", () => {
  expect(findEnd("memory-limit")).toMatchObject({ failure: { code: "out-of-memory-host", phase: "load" } });
});

test("a trial process killed by the kernel for its memory is told from any other SIGKILL", () => {
  expect(listTrials("memory-cgroup")).toEqual(["completed", "failed"]);
  expect(listFailures("memory-cgroup")[0]).toMatchObject({ code: "out-of-memory-host", signal: "SIGKILL" });
});

test("200 MB on stdout and on stderr block nothing, and the controller's memory does not hold them", () => {
  expect(listTrials("flood")).toEqual(["completed", "completed"]);
  expect(findEnd("flood")).toMatchObject({ status: "completed" });
  expect(rssGrowthBytes).toBeLessThan(200_000_000);
});

test("SIGSTOP of a trial is found by its missing progress, and the process does not stay", () => {
  expect(listTrials("stopped")).toEqual(["completed", "failed"]);
  expect(listFailures("stopped")[0]).toMatchObject({ code: "no-progress", phase: "measure" });
});

test("a forkserver that dies takes its trial along, and the next configuration gets a new one", () => {
  const [failure] = listFailures("no-forkserver");
  expect(failure).toMatchObject({ ...killed, phase: "measure" });
  expect(failure?.message).toContain("forkserver");
});

test("after all of these the last configuration is measured, in the same worker", () => {
  expect(listTrials("good")).toEqual(["completed", "completed"]);
  expect(findEnd("good")).toMatchObject({ status: "completed" });
  expect(workersStarted).toBe(1);
});
