import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Loss } from "../../src/executor/slurm/ledger.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { canBoundMemory, type RunningSlurm, startSlurm, whySlurmIsMissing } from "../fixtures/slurm.js";
import { TINY_EXPERIMENT } from "../fixtures/started-run.js";

const missing = whySlurmIsMissing();
if (missing !== null) console.warn(`Tests with a real Slurm are skipped: ${missing}`);
const bin = fileURLToPath(new URL("../../bin/falcon-exp.js", import.meta.url));
const WAIT = { timeout: 120_000, interval: 100 };

let slurm: RunningSlurm;
beforeAll(async () => {
  if (missing === null) slurm = await startSlurm();
});
afterAll(() => slurm?.stop());

/** Five references, each with one configuration that is compared with it. A node has room for one task. */
const SWEEP = `${TINY_EXPERIMENT.replace(
  "matrix: { quantization: [none, fp4] }",
  "matrix: { max_new_tokens: [4, 5, 6, 7, 8], quantization: [none, int8] }",
)}
repeats: 20
# A worker that hangs is Slurm's to end here.
timeouts: { heartbeat_sec: 200 }
executor: { slurm: { time: 10, signal: 40, mem: 2100M, retries: 1 } }
`;

/** An interpreter that hangs in the first attempts of tasks 1 and 2, and takes more memory than there is in task 3. */
function troubledPython(folder: string): string {
  const path = join(folder, "python");
  const [hang1, hang2] = [join(folder, "hangs-1"), join(folder, "hangs-2")];
  const tooMuch = "import time; held = bytearray(2400 << 20); time.sleep(60)";
  const lines = [
    "#!/bin/sh",
    `if [ "$1" = -m ] && [ "$2" = falcon_exp.worker ]; then case "$SLURM_ARRAY_TASK_ID" in`,
    `1) if mkdir "${hang1}" 2> /dev/null; then exec sleep 600; fi ;;`,
    `2) if mkdir "${hang2}" 2> /dev/null; then exec sleep 600; fi ;;`,
    // The kernel takes what has this number first: the task itself, not what it started.
    `3) echo 1000 > /proc/$PPID/oom_score_adj; exec "${testPython()}" -c "${tooMuch}" ;;`,
    "esac; fi",
    `exec "${testPython()}" "$@"`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** For whoever reads a failure of the test. */
async function whatHappened(run: string): Promise<string> {
  const summary = JSON.parse(readFileSync(join(run, "summary.json"), "utf8"));
  const ends = summary.configurations.map(
    (one: { label: string; status: string; trials_completed: number; failure: object | null }) =>
      `${one.label}: ${one.status} ${one.trials_completed} ${JSON.stringify(one.failure ?? null)}`,
  );
  const tasks = readdirSync(join(run, "tasks")).map((name) => {
    const text = readFileSync(join(run, "tasks", name, "records.jsonl"), "utf8");
    const kinds = Array.from(text.matchAll(/"kind":"(\w+)"/g), ([, kind = ""]) => kind);
    return `${name}: ${kinds.filter((kind) => kind !== "trial").join(" ")}; ${kinds.filter((kind) => kind === "trial").length} trials`;
  });
  return [...ends, ...tasks].join("\n");
}

test.skipIf(missing !== null)(
  "a sweep with a task killed, one at its time limit, one preempted and one out of memory is one report, every trial once",
  async () => {
    const cwd = scratchFolder();
    writeFileSync(join(cwd, "sweep.yaml"), SWEEP);
    const python = troubledPython(cwd);
    const falconExp = (...args: readonly string[]) =>
      execa(process.execPath, [bin, ...args], { cwd, env: slurm.env, reject: false });
    const sweep = falconExp("run", "sweep.yaml", "--poll", "1", "--python", python);
    const run = await vi.waitFor(() => {
      const [id = ""] = readdirSync(join(cwd, "results/tiny"));
      expect(existsSync(join(cwd, "results/tiny", id, "slurm.json"))).toBe(true);
      return join(cwd, "results/tiny", id);
    }, WAIT);
    const ledger = () => JSON.parse(readFileSync(join(run, "slurm.json"), "utf8"));
    const readTask = (name: string, file: string) => readFileSync(join(run, "tasks", name, file), "utf8");
    const job = await vi.waitFor(() => {
      const { id } = ledger().jobs[0];
      expect(id).toMatch(/^\d+$/);
      return id as string;
    }, WAIT);
    const stateOf = (slice: number) =>
      slurm.run("squeue", "-h", "-r", "-o", "%T %N", "-j", `${job}_${slice}`);

    const preempt = async () => {
      await vi.waitFor(() => expect(existsSync(join(cwd, "hangs-2"))).toBe(true), WAIT);
      const [, node = ""] = stateOf(2).split(" ");
      slurm.run("sbatch", "-p", "urgent", "-w", node, "--mem=3000", "-o", "/dev/null", "--wrap", "sleep 1");
      await vi.waitFor(() => expect(stateOf(2)).toContain("PENDING"), WAIT);
      // Slurm lets what it has queued again wait for two minutes.
      await vi.waitFor(() => slurm.run("scontrol", "update", `jobid=${job}_2`, "starttime=now"), WAIT);
    };
    const shortenTime = async () => {
      await vi.waitFor(() => expect(existsSync(join(cwd, "hangs-1"))).toBe(true), WAIT);
      slurm.run("scontrol", "update", `jobid=${job}_1`, "timelimit=1");
    };
    const kill = async () => {
      await vi.waitFor(() => expect(readTask("0of5.0", "records.jsonl")).toContain('"kind":"trial"'), {
        ...WAIT,
        interval: 10,
      });
      process.kill(JSON.parse(readTask("0of5.0", "run.lock")).pid, "SIGKILL");
    };
    await Promise.all([preempt(), shortenTime(), kill()]);
    const { exitCode, stderr } = await sweep;

    expect(exitCode, stderr).toBe(4);
    const { losses } = ledger() as { losses: readonly Loss[] };
    const told = losses.map(({ slice, code, outcome }) => `${slice} ${code} ${outcome}`).sort();
    const outOfMemory = canBoundMemory()
      ? ["3 slurm-out-of-memory given-up"]
      : ["3 slurm-task-failed again", "3 slurm-task-failed given-up"];
    expect(told, stderr).toEqual([
      "0 slurm-task-failed again",
      "1 slurm-stopped again",
      "2 slurm-requeued requeued",
      ...outOfMemory,
    ]);
    const summary = JSON.parse(readFileSync(join(run, "summary.json"), "utf8"));
    expect(summary.status).toBe("partly_failed");
    const failures = summary.configurations.flatMap(
      (one: { label: string; failure?: { code: string } | null }) =>
        one.failure == null ? [] : [one.failure.code],
    );
    expect(new Set(failures), await whatHappened(run)).toEqual(
      new Set([canBoundMemory() ? "slurm-out-of-memory" : "slurm-task-failed"]),
    );
    expect(failures).toHaveLength(2);
    const records = readFileSync(join(run, "records.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const trials = records
      .filter(({ kind, status }) => kind === "trial" && status === "completed")
      .map(({ trial_id }) => trial_id);
    expect(trials, await whatHappened(run)).toHaveLength(4 * 2 * 2 * 20);
    expect(new Set(trials).size).toBe(trials.length);
    expect(records.filter(({ kind }) => kind === "run_end")).toHaveLength(1);
    // The task that was killed had measured some of its trials, and they stand as they were.
    const first = readTask("0of5.0", "records.jsonl")
      .split("\n")
      .filter((line) => line.includes('"kind":"trial"'));
    expect(first.length).toBeGreaterThan(0);
    expect(readTask("0of5.1", "records.jsonl")).toContain(first[0]);

    const status = await falconExp("status", run);
    expect(status.stdout).toContain("tasks: 5 over");
    expect(status.stdout).toContain("slice 2: Slurm task");
    const shown = await falconExp("list", "--json");
    expect(JSON.parse(shown.stdout).runs[0]).toMatchObject({
      status: "partly_failed",
      trials_completed: 320,
    });
  },
);

test.skipIf(missing !== null)(
  "a run is submitted, looked at and cancelled by its folder alone, and what is left is recorded with the cause",
  async () => {
    const cwd = scratchFolder();
    writeFileSync(join(cwd, "sweep.yaml"), SWEEP);
    const python = troubledPython(cwd);
    const falconExp = (...args: readonly string[]) =>
      execa(process.execPath, [bin, ...args], { cwd, env: slurm.env, reject: false });
    const script = await falconExp("run", "sweep.yaml", "--dry-run");
    expect(script.stdout).toMatch(/^#!\/bin\/bash\n#SBATCH --job-name=falcon-exp-/);
    expect(existsSync(join(cwd, "results"))).toBe(false);
    const submitted = await falconExp(
      "run",
      "sweep.yaml",
      "--detach",
      "--json",
      "--python",
      python,
      "--set",
      "executor.slurm.options.hold=true",
    );
    expect(submitted.exitCode, submitted.stderr).toBe(0);
    const { run, tasks } = JSON.parse(submitted.stdout);
    expect(tasks).toBe(5);
    const status = await falconExp("status", "tiny", "--json");
    expect(JSON.parse(status.stdout).tasks.map((task: { status: string }) => task.status)).toEqual(
      Array(5).fill("waiting"),
    );
    const cancelled = await falconExp("cancel", run, "--poll", "1", "--json");
    expect(cancelled.exitCode, cancelled.stderr).toBe(5);
    const summary = JSON.parse(cancelled.stdout);
    expect(summary.status).toBe("all_failed");
    expect(JSON.stringify(summary)).toContain("slurm-cancelled");
    const refused = await falconExp(
      "run",
      "sweep.yaml",
      "--python",
      python,
      "--set",
      "executor.slurm.partition=nowhere",
    );
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toContain("slurm-submit-failed");
    expect(refused.stderr).toContain("Invalid partition");
  },
);
