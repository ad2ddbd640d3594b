import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, onTestFinished, test, vi } from "vitest";
import type { TaskLoss } from "../../src/run/task-losses.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import {
  canBoundMemory,
  type RunningSlurm,
  type SlurmOptions,
  startSlurm,
  whySlurmIsMissing,
} from "../fixtures/slurm.js";
import { scriptedPython, TINY_EXPERIMENT } from "../fixtures/started-run.js";

const missing = whySlurmIsMissing();
if (missing !== null) console.warn(`Tests with a real Slurm are skipped: ${missing}`);
const bin = fileURLToPath(new URL("../../bin/falcon-exp.js", import.meta.url));
const WAIT = { timeout: 400_000, interval: 100 };

/**
 * Starts a Slurm for this test and makes a folder for its runs. After the test, all of its processes are ended before the folder
 * is removed: the task that ends last draws the run, as does the command that follows the run, and may still be drawing it.
 */
async function started(
  options: SlurmOptions,
): Promise<{ readonly slurm: RunningSlurm; readonly cwd: string }> {
  const cwd = scratchFolder();
  const slurm = await startSlurm(options);
  onTestFinished(() => slurm.stop());
  return { slurm, cwd };
}

/** A sweep of references, each with one configuration that is compared with it. A node has room for one task. */
const writeSweep = (lengths: readonly number[], setup: readonly string[] = []) =>
  `${TINY_EXPERIMENT.replace(
    "matrix: { quantization: [none, fp4] }",
    `matrix: { max_new_tokens: [${lengths.join(", ")}], quantization: [none, int8] }`,
  )}
repeats: 20
# How many loads follow two that differ is for the machine to say.
rounds: 1
# A worker that hangs is Slurm's to end here.
timeouts: { heartbeat_sec: 200 }
executor: { slurm: { time: 10, signal: 40, mem: 2100M, retries: 1, setup: ${JSON.stringify(setup)} } }
`;

/**
 * What is special about a task. `real`: the real worker measures; everywhere else a scripted one answers, because Slurm and the
 * controller do the same with it. `slow`: the first worker takes its time, so that it can be killed in the middle; `hangs`: it
 * never answers; `deaf`: the same, before falcon-exp starts and ignoring SIGTERM; `greedy`: exceeds the memory.
 */
type Special = "real" | "slow" | "hangs" | "deaf" | "greedy";

/** The folder whose existence says that a task is not in its first attempt any more. */
const firstOf = (folder: string, task: number) => join(folder, `first-${task}`);

/** Makes an interpreter with which the workers of some tasks get into trouble. */
function troubledPython(folder: string, specials: Readonly<Record<number, Special>>): string {
  const path = join(folder, "python");
  const first = (task: number, then: string) =>
    `if mkdir "${firstOf(folder, task)}" 2> /dev/null; then ${then}; fi`;
  const tooMuch = "import time; held = bytearray(2400 << 20); time.sleep(60)";
  const lineOf: Readonly<Record<Special, (task: number) => string>> = {
    real: () => `exec "${testPython()}" "$@"`,
    slow: (task) => first(task, `exec "${scriptedPython("paced")}" "$@"`),
    hangs: (task) => first(task, "exec sleep 600"),
    deaf: () => "",
    // The kernel kills the process with this score first: the task itself, not what it started.
    greedy: () => `echo 1000 > /proc/$PPID/oom_score_adj; exec "${testPython()}" -c "${tooMuch}"`,
  };
  const lines = [
    "#!/bin/sh",
    `if [ "$1" = -m ] && [ "$2" = falcon_exp.worker ]; then case "$SLURM_ARRAY_TASK_ID" in`,
    ...Object.entries(specials).map(([task, special]) => `${task}) ${lineOf[special](Number(task))} ;;`),
    "esac; fi",
    `exec "${scriptedPython("good")}" "$@"`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Lines of the job's script such as a site has: for a deaf task they hang, and what they start ignores SIGTERM as well. */
function listSetup(folder: string, specials: Readonly<Record<number, Special>>): readonly string[] {
  return Object.entries(specials).flatMap(([task, special]) => {
    const isFirst = `[ "$SLURM_ARRAY_TASK_ID" = ${task} ] && mkdir "${firstOf(folder, Number(task))}"`;
    return special === "deaf" ? [`if ${isFirst} 2> /dev/null; then trap "" TERM; sleep 600; fi`] : [];
  });
}

/** Starts a sweep and returns it while it runs, with everything that a test can do to its tasks. */
async function startSweep(
  { slurm, cwd }: Awaited<ReturnType<typeof started>>,
  lengths: readonly number[],
  specials: Readonly<Record<number, Special>>,
) {
  writeFileSync(join(cwd, "sweep.yaml"), writeSweep(lengths, listSetup(cwd, specials)));
  const python = troubledPython(cwd, specials);
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
  const stateOf = (slice: number) => slurm.run("squeue", "-h", "-r", "-o", "%T %N", "-j", `${job}_${slice}`);
  const hangs = (slice: number) => vi.waitFor(() => expect(existsSync(firstOf(cwd, slice))).toBe(true), WAIT);
  const nodeOf = (slice: number) => stateOf(slice).split(" ")[1] ?? "";
  const runAgainNow = async (slice: number) => {
    await vi.waitFor(() => expect(stateOf(slice)).toContain("PENDING"), WAIT);
    // Slurm makes a task that it has requeued wait for two minutes.
    await vi.waitFor(() => slurm.run("scontrol", "update", `jobid=${job}_${slice}`, "starttime=now"), WAIT);
  };
  return {
    ...{ run, sweep, falconExp, ledger, readTask },
    preempt: async (slice: number) => {
      await hangs(slice);
      const on = nodeOf(slice);
      slurm.run("sbatch", "-p", "urgent", "-w", on, "--mem=3000", "-o", "/dev/null", "--wrap", "sleep 1");
      await runAgainNow(slice);
    },
    shortenTime: async (slice: number) => {
      await hangs(slice);
      slurm.run("scontrol", "update", `jobid=${job}_${slice}`, "timelimit=1");
    },
    /** As if the time limit, which is whole minutes, were over within seconds. */
    cutOff: async (slice: number) => {
      await hangs(slice);
      slurm.run("scontrol", "update", `jobid=${job}_${slice}`, "endtime=now+5");
    },
    loseNode: async (slice: number) => {
      await hangs(slice);
      const node = nodeOf(slice);
      await slurm.loseNode(node);
      await runAgainNow(slice);
      // On another node: a node that returns refuses a task that it was just told to end, which is why Slurm makes it wait.
      await vi.waitFor(() => expect(stateOf(slice)).toContain("RUNNING"), WAIT);
      slurm.returnNode(node);
    },
    kill: async (slice: number) => {
      const name = `${slice}of${lengths.length}.0`;
      await vi.waitFor(() => expect(readTask(name, "records.jsonl")).toContain('"kind":"trial"'), {
        ...WAIT,
        interval: 10,
      });
      process.kill(JSON.parse(readTask(name, "run.lock")).pid, "SIGKILL");
    },
  };
}

const tellLosses = (losses: readonly TaskLoss[]) =>
  losses.map(({ slice, code, outcome }) => `${slice} ${code} ${outcome}`).sort();

/** A description of the run for whoever reads a failure of the test. */
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

test.skipIf(missing !== null).each([
  ["with", true],
  ["without", false],
])(
  "%s accounting: tasks killed, stopped, past their time limit, preempted, on a lost node, out of memory: one report, every trial once, every cause told",
  async (_, accounting) => {
    const sweep = await startSweep(await started({ nodes: 6, accounting }), [4, 5, 6, 7, 8, 9], {
      ...{ 0: accounting ? "real" : "slow", 1: "hangs", 2: "hangs", 3: "greedy", 4: "deaf", 5: "hangs" },
    });
    const { run, readTask } = sweep;
    await Promise.all([
      ...[sweep.kill(0), sweep.shortenTime(1), sweep.preempt(2), sweep.cutOff(4), sweep.loseNode(5)],
    ]);
    const { exitCode, stderr, stdout } = await sweep.sweep;

    expect(exitCode, stderr).toBe(4);
    const { losses } = sweep.ledger() as { losses: readonly TaskLoss[] };
    const outOfMemory = canBoundMemory()
      ? ["3 slurm-out-of-memory given-up"]
      : ["3 slurm-task-failed again", "3 slurm-task-failed given-up"];
    expect(tellLosses(losses), stderr).toEqual([
      "0 slurm-task-failed again",
      "1 slurm-stopped again",
      `2 ${accounting ? "slurm-preempted" : "slurm-requeued"} requeued`,
      ...outOfMemory,
      "4 slurm-time-limit again",
      // Without accounting, nothing tells why Slurm requeued a task.
      `5 ${accounting ? "slurm-node-failed" : "slurm-requeued"} requeued`,
    ]);
    const summary = JSON.parse(readFileSync(join(run, "summary.json"), "utf8"));
    expect(summary.status).toBe("partly_failed");
    expect(summary.task_losses).toEqual(losses);
    for (const { message } of losses) expect(stdout.replaceAll(/\s+/g, " ")).toContain(message);
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
    expect(trials, await whatHappened(run)).toHaveLength(5 * 2 * 2 * 20);
    expect(new Set(trials).size).toBe(trials.length);
    expect(records.filter(({ kind }) => kind === "run_end")).toHaveLength(1);
    // The task that was killed had measured some of its trials, and these are kept as they were.
    const first = readTask("0of6.0", "records.jsonl")
      .split("\n")
      .filter((line) => line.includes('"kind":"trial"'));
    expect(first.length).toBeGreaterThan(0);
    const second = readTask("0of6.1", "records.jsonl");
    expect(second).toContain(first[0]);
    // The scripted worker gives this as its platform.
    expect(second.includes('"platform":"test"')).toBe(!accounting);

    const status = await sweep.falconExp("status", run);
    expect(status.stdout).toContain("tasks: 6 over");
    expect(status.stdout).toContain("slice 2: Slurm task");
    const shown = await sweep.falconExp("list", "--json");
    expect(JSON.parse(shown.stdout).runs[0]).toMatchObject({
      status: "partly_failed",
      trials_completed: 400,
    });
  },
);

test.skipIf(missing !== null)(
  "a run of more tasks than an array or the queue may hold is submitted in waves, looked at, cancelled and followed by its folder alone",
  async () => {
    // Slurm soon forgets ended tasks, so that they make room, but not between two looks at them; indexes go from 0 to 2, and this
    // run may have 4 of the 5 jobs.
    const lines = ["MaxArraySize=3", "MaxJobCount=5", "MinJobAge=5"];
    const { slurm, cwd } = await started({ nodes: 2, accounting: false, lines });
    const small = ["--set", "executor.slurm.mem=900M", "--set", "repeats=2"];
    writeFileSync(join(cwd, "sweep.yaml"), writeSweep([4, 5, 6, 7, 8]));
    const falconExp = (...args: readonly string[]) =>
      execa(process.execPath, [bin, ...args], { cwd, env: slurm.env, reject: false });
    const run = (...args: readonly string[]) =>
      falconExp("run", "sweep.yaml", "--python", scriptedPython("good"), ...small, ...args);
    const script = await run("--dry-run");
    expect(script.stdout).toMatch(/^#!\/bin\/bash\n#SBATCH --job-name=falcon-exp-/);
    expect(script.stdout.match(/--array=.*/g)).toEqual(["--array=0-2", "--array=0-1"]);
    expect(existsSync(join(cwd, "results"))).toBe(false);

    const refused = await run("--set", "executor.slurm.partition=nowhere");
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toContain("slurm-submit-failed");
    expect(refused.stderr).toContain("nvalid partition");

    const submitted = await run("--detach", "--json", "--set", "executor.slurm.options.hold=true");
    expect(submitted.exitCode, submitted.stderr).toBe(0);
    const held = JSON.parse(submitted.stdout);
    expect(held).toMatchObject({ tasks: 4, waiting: 1 });
    expect(held.jobs).toHaveLength(2);
    const status = await falconExp("status", held.run, "--json");
    expect(JSON.parse(status.stdout).tasks.map((task: { status: string }) => task.status)).toEqual([
      ...Array(4).fill("waiting"),
      "unsubmitted",
    ]);
    const cancelled = await falconExp("cancel", held.run, "--poll", "1", "--json");
    expect(cancelled.exitCode, cancelled.stderr).toBe(5);
    const summary = JSON.parse(cancelled.stdout);
    expect(summary.status).toBe("all_failed");
    expect(JSON.stringify(summary)).toContain("slurm-cancelled");

    const followed = await run("--poll", "1", "--json");
    expect(followed.exitCode, followed.stderr).toBe(0);
    expect(followed.stderr).toContain(
      "not submitted yet: Slurm takes at most 5 jobs from all users (MaxJobCount)",
    );
    expect(JSON.parse(followed.stdout)).toMatchObject({
      status: "completed",
      trials_completed: 40,
      trials_planned: 40,
      task_losses: [],
    });
    const folder = join(cwd, "results/tiny", JSON.parse(followed.stdout).run_id);
    const { jobs } = JSON.parse(readFileSync(join(folder, "slurm.json"), "utf8"));
    expect(jobs.length).toBeGreaterThan(1);
    const slices = jobs.flatMap((job: { slices: readonly number[] }) => job.slices);
    expect(slices.toSorted()).toEqual([0, 1, 2, 3, 4]);
    // None of them was started twice.
    expect(readdirSync(join(folder, "tasks")).sort()).toEqual(
      [0, 1, 2, 3, 4].map((slice) => `${slice}of5.0`),
    );
    const again = await run("--dry-run");
    expect(again.stderr).toMatch(/^1 task of about .*, based on the newest run\.$/m);

    // Both tasks hold a card of the same node, and if they have to make room, Slurm ends them instead of requeueing them.
    const gate = join(cwd, "gate");
    const cards = join(cwd, "cards");
    writeFileSync(
      join(cwd, "fleeting.yaml"),
      writeSweep([4, 5], [`echo "$SLURM_ARRAY_TASK_ID $CUDA_VISIBLE_DEVICES" >> ${cards}`]),
    );
    const slurmKeys = {
      partition: "fleeting",
      gres: "gpu:1",
      mem: "1900M",
      tasks: 2,
      "options.nodelist": "n1",
    };
    const sets = Object.entries(slurmKeys).flatMap(([key, value]) => [
      "--set",
      `executor.slurm.${key}=${value}`,
    ]);
    const preempted = execa(
      process.execPath,
      [bin, "run", "fleeting.yaml", "--set", "repeats=2", ...sets, "--poll", "1", "--json"].concat(
        ...["--python", scriptedPython("gated-generate")],
      ),
      { cwd, env: { ...slurm.env, FALCON_EXP_TEST_GATE: gate }, reject: false },
    );
    await vi.waitFor(() => expect(readFileSync(cards, "utf8").trim().split("\n")).toHaveLength(2), WAIT);
    expect(readFileSync(cards, "utf8").trim().split("\n").sort()).toEqual(["0 0", "1 1"]);
    await vi.waitFor(() => expect(existsSync(`${gate}.reached`)).toBe(true), WAIT);
    slurm.run("sbatch", "-p", "urgent", "-w", "n1", "--mem=2500", "-o", "/dev/null", "--wrap", "sleep 1");
    await vi.waitFor(() => expect(slurm.run("squeue", "-h", "-t", "R", "-p", "fleeting")).toBe(""), WAIT);
    writeFileSync(gate, "");
    const { exitCode, stdout, stderr } = await preempted;
    expect(exitCode, stderr).toBe(0);
    const whole = JSON.parse(stdout);
    expect(tellLosses(whole.task_losses), stderr).toEqual([
      "0 slurm-preempted again",
      "1 slurm-preempted again",
    ]);
    expect(whole).toMatchObject({ status: "completed", trials_completed: 16, trials_planned: 16 });
  },
);
