import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseAccounting, parseQueue } from "../../src/executor/slurm/answers.js";
import { explainLeft, explainRequeued, judgeSlices, maySubmitAgain } from "../../src/executor/slurm/judge.js";
import { buildScript, nameIndexes } from "../../src/executor/slurm/script.js";
import { isEnded } from "../../src/executor/slurm/states.js";
import { slurmSchema } from "../../src/experiment/slurm-schema.js";
import { collectErrors, load, minimal } from "../fixtures/experiments.js";

const golden = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../golden/slurm/${name}`, import.meta.url)), "utf8");

test("the script that sbatch gets has every option by Slurm's own name, and falcon-exp in the place of the shell", () => {
  const settings = slurmSchema.parse({
    partition: "gpu",
    account: "lab",
    qos: "long",
    time: "01:30:00",
    gres: "gpu:1",
    "cpus-per-task": 8,
    mem: "64G",
    constraint: "[a100|h100]",
    exclude: "n[3-4]",
    "array-limit": 2,
    signal: 120,
    setup: ["module load cuda/12.6", "export HF_HOME=/shared/hf"],
    options: { nice: 100, exclusive: true, "mail-type": false, comment: 'a "wide" sweep' },
  });
  const inputs = {
    settings,
    name: "falcon-exp-20261124T120305Z-5881-0",
    runFolder: "/shared/my results/100%/quant/20261124T120305Z-5881",
    slices: [0, 1, 2, 5],
    offset: 0,
    count: 6,
    program: ["/usr/bin/node", "/opt/falcon-exp/bin/falcon-exp.js"],
    cwd: "/home/o'neil",
    python: "/opt/lab/bin/python",
    attempts: 3,
    retryFailed: true,
  };
  expect(buildScript(inputs)).toBe(golden("script.sh"));
  // The indexes of a later array begin at 0 again.
  const later = { ...inputs, slices: [1001, 1002, 1004], offset: 1001, count: 2000 };
  expect(buildScript(later)).toBe(golden("later-array.sh"));
});

test.each([
  [[0], "0"],
  [[3, 1, 2, 7], "1-3,7"],
  [[0, 2, 4], "0,2,4"],
])("indexes %j are written as %s", (indexes, text) => {
  expect(nameIndexes(indexes)).toBe(text);
});

const JOBS = [
  {
    id: "11",
    name: "falcon-exp-r-0",
    slices: [0, 1, 2, 3],
    offset: 0,
    submitted_at: "2026-11-28T10:00:00.000Z",
  },
  { id: "15", name: "falcon-exp-r-1", slices: [2], offset: 0, submitted_at: "2026-11-28T11:00:00.000Z" },
];
const records = (slice: number, isOver = false) => ({ slice, isOver, wasStopped: false, restarts: [] });

test("records decide, and Slurm's state only says where a task is that left none", () => {
  const { rows, jobs } = parseQueue(golden("squeue.txt"));
  expect(jobs).toBe(4);
  const ledger = { jobs: JOBS, waiting: [] };
  const judge = (of: readonly ReturnType<typeof records>[]) => judgeSlices(of, ledger, rows);
  const statuses = judge([0, 1, 2, 3].map((slice) => records(slice)));
  expect(statuses.map(({ kind }) => kind)).toEqual(["running", "left", "waiting", "left"]);
  expect(statuses[2]).toMatchObject({ job: "15_2", reason: "Resources" });
  // The task was killed for its memory, but only after its last record.
  expect(judge([records(1, true)])).toEqual([{ kind: "over" }]);
  // If the controller does not answer, nothing is known about the tasks.
  expect(judgeSlices([records(1)], ledger, null)).toMatchObject([{ kind: "unknown" }]);
});

test("of several arrays each slice is found by its array's own numbers, and what waits to be submitted is in none", () => {
  const [first, second] = JOBS as [(typeof JOBS)[0], (typeof JOBS)[0]];
  const jobs = [first, { ...second, slices: [1001, 1003], offset: 1001 }];
  const { rows } = parseQueue("15_0|RUNNING|None|n1|falcon-exp-r-1\n15_2|PENDING|None||falcon-exp-r-1\n");
  const of = [1001, 1003, 3].map((slice) => records(slice));
  expect(judgeSlices(of, { jobs, waiting: [3] }, rows)).toMatchObject([
    { kind: "running", job: "15_0" },
    { kind: "waiting", job: "15_2" },
    { kind: "unsubmitted" },
  ]);
});

test("what accounting recorded explains a loss that the queue has forgotten", () => {
  const accounting = parseAccounting(golden("sacct.txt"));
  const explain = (job: string, wasStopped = false) =>
    explainLeft({ job, state: null, exitCode: null, node: null }, wasStopped, accounting);
  const codes = ["11_0", "11_1", "11_2", "11_3", "11_4", "11_5", "11_6", "11_9"].map(
    (job) => explain(job).code,
  );
  expect(codes).toEqual([
    "slurm-task-failed",
    "slurm-out-of-memory",
    "slurm-time-limit",
    "slurm-cancelled",
    "slurm-node-failed",
    "slurm-task-failed",
    // Requeued, and gone from the queue: its last state is not one of a task that has ended.
    "slurm-task-lost",
    "slurm-task-lost",
  ]);
  expect(explain("11_1").message).toBe(
    "Slurm task 11_1 on n2: it used more memory than it had asked for (OUT_OF_MEMORY, exit code 0:125).",
  );
  expect(explain("11_0", true)).toMatchObject({ code: "slurm-stopped", mayRetry: true });
  expect(explain("11_1", true).code).toBe("slurm-out-of-memory");
  expect(explainRequeued({ job: "11_6", restart: 1 }, accounting)).toMatchObject({ code: "slurm-preempted" });
  expect(explainRequeued({ job: "11_6", restart: 2 }, accounting)).toMatchObject({ code: "slurm-requeued" });
  expect(explainRequeued({ job: "11_6", restart: 1 }, null)).toMatchObject({ code: "slurm-requeued" });
  const without = explainLeft({ job: "11_1", state: "TIMEOUT", exitCode: null, node: "n1" }, false, null);
  expect(without.message).toBe("Slurm task 11_1 on n1: it reached its time limit (TIMEOUT).");
});

test("a task is submitted again within a bound, and never where the same would happen again", () => {
  const settings = slurmSchema.parse({ retries: 2 });
  const cause = (job: string) =>
    explainLeft(
      { job, state: null, exitCode: null, node: null },
      false,
      parseAccounting(golden("sacct.txt")),
    );
  const loss = {
    slice: 1,
    job: "11_1",
    restart: 0,
    state: null,
    code: "x",
    message: "",
    outcome: "again" as const,
    at: "2026-11-28T10:00:00.000Z",
  };
  const may = (before: number, job: string, cancelled_at: string | null = null) =>
    maySubmitAgain(
      { settings, losses: Array.from({ length: before }, () => loss), cancelled_at },
      1,
      cause(job),
    );
  expect([0, 1, 2].map((before) => may(before, "11_4"))).toEqual([true, true, false]);
  expect(may(0, "11_1")).toBe(false);
  expect(may(0, "11_3")).toBe(false);
  expect(may(0, "11_4", "2026-11-28T10:00:00.000Z")).toBe(false);
});

test.each([
  ["CANCELLED by 1000", true],
  ["OUT_OF_MEMORY", true],
  ["REQUEUED", false],
  ["SPECIAL_EXIT", false],
  ["COMPLETING", false],
  ["A_STATE_OF_2030", false],
])("state %s has ended: %s", (state, ended) => {
  expect(isEnded(state)).toBe(ended);
});

test("executor.slurm is checked where it is written, and is no part of the plan", async () => {
  const { slurm } = await load(minimal("executor: { slurm: { partition: gpu, time: 01:00:00, mem: 64G } }"));
  expect(slurm).toMatchObject({ partition: "gpu", time: "01:00:00", mem: "64G", signal: 90, retries: 2 });
  expect((await load(minimal())).slurm).toBeNull();
  const errors = await collectErrors(() =>
    load(
      minimal('executor: { slurm: { partion: gpu, tasks: 0, setup: ["a\\nb"], options: { --nice: 1 } } }'),
    ),
  );
  const said = errors.map(({ message }) => message).join("\n");
  for (const part of [
    "partion",
    "tasks must be at least 1",
    "setup[0] must be one line",
    "options must have long options",
  ]) {
    expect(said).toContain(part);
  }
});
