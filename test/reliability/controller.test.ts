/** Faults of the controller: `falcon-exp run` as a user starts it, and what becomes of its worker and its records. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { listChildren } from "../fixtures/descendants.js";
import { processesOfGroup } from "../fixtures/processes.js";
import { testPython } from "../fixtures/python.js";
import {
  prepareRun,
  pythonWithoutLibraries,
  scriptedPython,
  startRun,
  TINY_EXPERIMENT,
} from "../fixtures/started-run.js";

/** The promised time until no process is left after the controller was killed. */
const GONE_WITHIN_MS = 5_000;
/** The promise is 10 s after SIGTERM; a busy machine is given a little more. */
const TERMINATED_WITHIN_SEC = 15;

/** The process of its first trial ends only if it is killed: it looks at no pipe and takes no SIGTERM. */
const ENDLESS = TINY_EXPERIMENT.replace("prompts: [one, two]", "prompts: [stay, two]");

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const trials = (records: readonly RunFileRecord[]) =>
  records.filter((record) => record.kind === "trial").length;
const end = (records: readonly RunFileRecord[]) => records.at(-1);
/** What falcon-exp has left in a temporary folder; the cache that torch keeps there is not counted. */
const left = (temporary: string) =>
  readdirSync(temporary).filter((name) => !name.startsWith("torchinductor"));

async function secondsUntilExit(run: ReturnType<typeof startRun>, signal: NodeJS.Signals) {
  const before = process.hrtime.bigint();
  run.child.kill(signal);
  const { exitCode } = await run.child;
  return { exitCode, seconds: Number(process.hrtime.bigint() - before) / 1e9 };
}

test("SIGKILL while the libraries are imported leaves no process of the worker's group after 5 s", async () => {
  const run = startRun({ python: testPython() });
  await run.says("starting the worker");
  const [supervisor = 0] = await vi.waitFor(() => {
    const found = listChildren(run.child.pid ?? 0);
    // The forkserver has started and is in the middle of its imports.
    expect(processesOfGroup(found[0] ?? -1).length).toBeGreaterThanOrEqual(2);
    return found;
  }, 60_000);
  run.child.kill("SIGKILL");
  // A process that is ending loses its environment, by which it is found, before it is gone.
  await vi.waitFor(() => expect([...run.processes(), ...processesOfGroup(supervisor)]).toEqual([]), {
    timeout: GONE_WITHIN_MS,
    interval: 20,
  });
  expect(left(run.temporary)).toEqual([]);
});

test("SIGKILL while the supervisor stands still leaves no process either", async () => {
  const run = startRun({ python: pythonWithoutLibraries(), experiment: ENDLESS });
  await run.says("unquantized: loaded");
  const [supervisor = 0] = listChildren(run.child.pid ?? 0);
  process.kill(supervisor, "SIGSTOP");
  run.child.kill("SIGKILL");
  await run.gone(GONE_WITHIN_MS);
  expect(left(run.temporary)).toEqual([]);
});

test("SIGKILL of controller and supervisor at once leaves no process, and the next run removes their sockets", async () => {
  const run = startRun({ python: pythonWithoutLibraries(), experiment: ENDLESS });
  await run.says("unquantized: loaded");
  const [supervisor = 0] = listChildren(run.child.pid ?? 0);
  process.kill(supervisor, "SIGSTOP");
  process.kill(run.child.pid ?? 0, "SIGSTOP");
  process.kill(supervisor, "SIGKILL");
  process.kill(run.child.pid ?? 0, "SIGKILL");
  await run.gone(GONE_WITHIN_MS);
  expect(left(run.temporary)).toHaveLength(1);
  const next = startRun({ python: scriptedPython("good"), temporary: run.temporary });
  expect((await next.child).exitCode, next.stderr()).toBe(0);
  expect(left(run.temporary)).toEqual([]);
});

test("SIGTERM ends a run within 10 s even where the worker obeys nothing, with its records whole", async () => {
  const run = startRun({ python: scriptedPython("deaf-in-generate") });
  await run.held();
  const { exitCode, seconds } = await secondsUntilExit(run, "SIGTERM");
  expect(exitCode).toBe(143);
  expect(seconds).toBeLessThan(TERMINATED_WITHIN_SEC);
  expect(end(run.records())).toMatchObject({ kind: "run_end", status: "interrupted" });
  await run.gone(GONE_WITHIN_MS);
  expect(left(run.temporary)).toEqual([]);
});

test.each(["mute", "slow-start"])(
  "SIGTERM ends a run whose worker is still starting (%s)",
  async (behaviour) => {
    const run = startRun({ python: scriptedPython(behaviour) });
    await run.held();
    const { exitCode, seconds } = await secondsUntilExit(run, "SIGTERM");
    expect(exitCode, run.stderr()).toBe(143);
    expect(seconds).toBeLessThan(TERMINATED_WITHIN_SEC);
    expect(end(run.records())).toMatchObject({ kind: "run_end", status: "interrupted" });
    await run.gone(GONE_WITHIN_MS);
  },
);

test("Ctrl-C once finishes and records the trial under way, and starts no other", async () => {
  const run = startRun({ python: scriptedPython("gated-generate") });
  await run.held();
  run.child.kill("SIGINT");
  await run.says("finishing this trial");
  run.openGate();
  expect((await run.child).exitCode).toBe(130);
  expect(trials(run.records())).toBe(1);
  expect(end(run.records())).toMatchObject({ kind: "run_end", status: "interrupted" });
  await run.gone(GONE_WITHIN_MS);
});

test("Ctrl-C while no trial is under way ends the run at once", async () => {
  const run = startRun({ python: scriptedPython("slow-start") });
  await run.held();
  run.child.kill("SIGINT");
  expect((await run.child).exitCode).toBe(130);
  expect(end(run.records())).toMatchObject({ kind: "run_end", status: "interrupted" });
  await run.gone(GONE_WITHIN_MS);
});

test("Ctrl-C twice ends now, without the trial under way", async () => {
  const run = startRun({ python: scriptedPython("slow-generate") });
  await run.held();
  run.child.kill("SIGINT");
  await run.says("finishing this trial");
  run.child.kill("SIGINT");
  expect((await run.child).exitCode).toBe(130);
  expect(trials(run.records())).toBe(0);
  expect(end(run.records())).toMatchObject({ kind: "run_end", status: "interrupted" });
  await run.gone(GONE_WITHIN_MS);
});

test("a terminal that is closed ends the run as a scheduler would, with its records whole", async () => {
  const run = prepareRun({ python: scriptedPython("slow-generate") });
  // On a terminal, the live lines contain this word as soon as tokens arrive.
  const args = [fixture("close-terminal.py"), "tokens", ...run.command];
  const env = { ...run.env, TERM: "xterm" };
  const { stdout, stderr } = await execa(testPython(), args, { cwd: run.cwd, env, reject: false });
  expect(stdout.trim(), stderr).toBe("143");
  expect(end(run.records())).toMatchObject({ kind: "run_end", status: "interrupted" });
  await run.gone(GONE_WITHIN_MS);
  expect(left(run.temporary)).toEqual([]);
});

test("a reader of the progress lines that goes away does not end the run", async () => {
  const run = startRun({ python: scriptedPython("gated-generate") });
  await run.held();
  run.child.stderr?.destroy();
  run.child.stdout?.destroy();
  run.openGate();
  expect((await run.child).exitCode).toBe(0);
  expect(trials(run.records())).toBe(4);
  expect(end(run.records())).toMatchObject({ kind: "run_end", status: "completed" });
});

test("a controller that runs out of memory takes its worker along and leaves whole records", async () => {
  const NODE_OPTIONS = `--max-old-space-size=200 --import=${fixture("allocate-on-signal.mjs")}`;
  const run = startRun({ python: scriptedPython("gated-fp4"), env: { NODE_OPTIONS } });
  await run.held();
  run.child.kill("SIGUSR2");
  const { signal, exitCode } = await run.child;
  expect([signal, exitCode]).toContainEqual(signal === undefined ? 134 : "SIGABRT");
  expect(run.stderr()).toContain("heap out of memory");
  await run.gone(GONE_WITHIN_MS);
  expect(trials(run.records())).toBe(2);
});
