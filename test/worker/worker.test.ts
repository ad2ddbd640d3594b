import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import type { Timeouts } from "../../src/plan/plan-types.js";
import { WorkerFailure } from "../../src/worker/failures.js";
import type { RequestHandlers } from "../../src/worker/open-request.js";
import { Worker } from "../../src/worker/worker.js";
import { patientTimeouts, smallPlan } from "../fixtures/plans.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const scripted = fileURLToPath(new URL("../fixtures/workers/scripted.py", import.meta.url));
const configuration = smallPlan(["none"]).configurations[0];
if (configuration === undefined) throw new Error("the fixture plan is empty");
const open: Worker[] = [];

afterEach(async () => {
  for (const worker of open.splice(0)) await worker.close();
});

async function openWorker(behaviour: string, timeouts: Partial<Timeouts> = {}): Promise<Worker> {
  const worker = await Worker.open({
    pythonPath: testPython(),
    env: {},
    timeouts: { ...patientTimeouts, ...timeouts },
    clock: systemClock,
    log: silentLog,
    program: [scripted, "--behaviour", behaviour],
  });
  open.push(worker);
  return worker;
}

const load = (worker: Worker, handlers: RequestHandlers = {}) =>
  worker.ask("load", { configuration: configuration.worker }, handlers);
const generate = (worker: Worker, handlers: RequestHandlers = {}) =>
  worker.ask(
    "generate",
    { trial_id: "t1", phase: "measure", prompt: "hello", repeat: 0, generation: configuration.generation },
    handlers,
  );

async function catchFailure(promise: Promise<unknown>): Promise<WorkerFailure> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(WorkerFailure);
  return outcome as WorkerFailure;
}

/** True while any process of the group is alive. */
function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a whole conversation: start, load, generate, unload, with progress and notices on the way", async () => {
  const worker = await openWorker("good");
  expect((await worker.ask("start", {})).environment.python_version).toBe("3.11.0");
  const phases: string[] = [];
  await load(worker, { onProgress: ({ phase }) => phases.push(phase) });
  const { measurement } = await generate(worker, { onProgress: ({ phase }) => phases.push(phase) });
  expect(measurement.output_text).toBe("answer to hello");
  const notices: string[] = [];
  await worker.ask(
    "unload",
    {},
    { onLibraryWarning: ({ text, count }) => notices.push(`${text} ×${count}`) },
  );
  expect(phases).toEqual(["load", "measure"]);
  expect(notices).toEqual(["a warning ×2"]);
});

test("a worker that ends before its hello fails to start, with its exit code and last words", async () => {
  const failure = await catchFailure(openWorker("exit-before-hello"));
  expect(failure.code).toBe("worker-start-failed");
  expect(failure.message).toContain("exit code 3");
  expect(failure.details.stderrTail?.join("\n")).toContain("No module named 'zmq'");
});

test("a Python that does not exist fails to start instead of hanging", async () => {
  const failure = await catchFailure(
    Worker.open({
      pythonPath: "/nowhere/python",
      env: {},
      timeouts: patientTimeouts,
      clock: systemClock,
      log: silentLog,
    }),
  );
  expect(failure.code).toBe("worker-start-failed");
});

test("a hello in another protocol version is refused", async () => {
  const failure = await catchFailure(openWorker("old-version"));
  expect(failure.code).toBe("worker-start-failed");
});

test.each(["garbage-in-load", "unknown-type", "answer-to-nobody", "wrong-answer"])(
  "%s breaks the contract: the request fails as worker-protocol-error and the worker is ended",
  async (behaviour) => {
    const worker = await openWorker(behaviour);
    const failure = await catchFailure(load(worker));
    expect(failure.code).toBe("worker-protocol-error");
    expect(worker.isUsable).toBe(false);
  },
);

test("a second answer to the same request ends the worker", async () => {
  const worker = await openWorker("two-answers");
  await load(worker);
  const failure = await catchFailure(generate(worker));
  expect(failure.code).toBe("worker-protocol-error");
});

test("NaN in a measurement is an error, never a number", async () => {
  const worker = await openWorker("nan-in-generate");
  await load(worker);
  expect((await catchFailure(generate(worker))).code).toBe("worker-protocol-error");
});

test("a kernel that ran out of memory and ended the process is named by its last words", async () => {
  const worker = await openWorker("kernel-oom");
  await load(worker);
  await generate(worker);
  const failure = await catchFailure(generate(worker));
  expect(failure).toMatchObject({
    code: "out-of-memory-device",
    details: { exitCode: 1, trialProcessAlive: false },
  });
  expect(worker.isUsable).toBe(true);
});

test("a worker killed by SIGKILL is recorded with signal, phase and last words", async () => {
  const worker = await openWorker("die-in-load");
  const failure = await catchFailure(load(worker));
  expect(failure.toRecord()).toMatchObject({
    code: "worker-died",
    signal: "SIGKILL",
    exit_code: null,
    phase: "load",
  });
  expect(failure.toRecord().stderr_tail).toContain("last words");
});

test("a worker that exits by itself is recorded with its exit code", async () => {
  const worker = await openWorker("exit-in-generate");
  await load(worker);
  await generate(worker);
  expect((await catchFailure(generate(worker))).toRecord()).toMatchObject({
    code: "worker-died",
    exit_code: 9,
  });
});

test("a worker without heartbeats is called hung, and its process group is gone", async () => {
  const worker = await openWorker("silent-in-load", { heartbeat_sec: 3 });
  const failure = await catchFailure(load(worker));
  expect(failure.code).toBe("worker-hung");
  expect(groupLives(worker.pid as number)).toBe(false);
});

test("a trial without progress is cancelled although heartbeats go on, and the worker serves the next request", async () => {
  const worker = await openWorker("stuck-in-generate", { measure_sec: 1 });
  await load(worker);
  const failure = await catchFailure(generate(worker));
  expect(failure.code).toBe("no-progress");
  expect(failure.details.trialProcessAlive).toBe(false);
  expect(worker.isUsable).toBe(true);
  await load(worker);
});

test("a worker that ignores the cancel as well is killed", async () => {
  const worker = await openWorker("deaf-in-generate", { measure_sec: 1 });
  await load(worker);
  const failure = await catchFailure(generate(worker));
  expect(failure.code).toBe("no-progress");
  expect(worker.isUsable).toBe(false);
});

test("a cancel while a trial moves ends the request as cancelled, with the reason given", async () => {
  const worker = await openWorker("slow-generate");
  await load(worker);
  const failure = await catchFailure(
    generate(worker, {
      onProgress: ({ outputTokens }) => {
        if (outputTokens === 3) worker.cancel("Ctrl-C");
      },
    }),
  );
  expect(failure.code).toBe("cancelled");
  expect(failure.message).toBe("Ctrl-C");
});

test("megabytes on stdout and stderr neither block the conversation nor pile up", async () => {
  const worker = await openWorker("flood");
  await worker.ask("start", {});
  await load(worker);
  expect((await generate(worker)).measurement.output_tokens).toBe(3);
});

test("closing ends a worker that ignores shutdown and SIGTERM, and removes its socket folder", async () => {
  // The test has its own temporary folder, because other tests and programs make socket folders at the same time.
  const temporary = scratchFolder();
  vi.stubEnv("TMPDIR", temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const worker = await openWorker("stubborn");
  await worker.ask("start", {});
  expect(readdirSync(temporary)).toHaveLength(1);
  await worker.close();
  expect(groupLives(worker.pid as number)).toBe(false);
  expect(readdirSync(temporary)).toEqual([]);
});

test("a request to a worker that has ended fails at once", async () => {
  const worker = await openWorker("good");
  await worker.close();
  expect((await catchFailure(load(worker))).code).toBe("worker-died");
});
