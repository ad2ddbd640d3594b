/** Measures what each step of a run on a cluster costs on this machine; the simulation uses these figures. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.js";
import { SQUEUE_FORMAT } from "../../src/executor/slurm/answers.js";
import { readSliceRecords } from "../../src/executor/slurm/slice-records.js";
import { parsePlan } from "../../src/plan/plan-file.js";
import { RunPaths } from "../../src/run/paths.js";
import { readTasks } from "../../src/run/read-run-records.js";
import { SmallFiles } from "../../src/run/small-files.js";
import { haveAllEnded } from "../../src/run/task-ends.js";
import { startSlurm } from "../../test/fixtures/slurm.js";
import { median } from "../ratios.js";
import { fabricateTasks } from "./fabricate.js";
import { describeSweep } from "./sweep.js";
import { timeCommand, timeScript } from "./timed.js";

export interface Costs {
  readonly configurations: number;
  readonly tasks: number;
  readonly recordBytes: number;
  /** sbatch of all tasks, and squeue of all of them. */
  readonly submitSec: number;
  readonly queueSec: number;
  /** One look of the follower at the records of all tasks. */
  readonly lookSec: number;
  /** The time for what a task reads before it measures, and at its end. */
  readonly taskStartSec: number;
  readonly taskEndSec: number;
  readonly mergeSec: number;
}

const TIMES = 5;

async function time(work: () => unknown): Promise<number> {
  const all: number[] = [];
  for (let turn = 0; turn < TIMES; turn++) {
    const started = systemClock.monotonicSec();
    await work();
    all.push(systemClock.monotonicSec() - started);
  }
  return median(all);
}

export async function measureCosts(configurations: number, tasks: number): Promise<Costs> {
  const results = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
  const slurm = await startSlurm({ nodes: 1, accounting: false });
  try {
    const script = join(results, "held.sh");
    writeFileSync(script, `#!/bin/bash\n#SBATCH --array=0-${tasks - 1} --hold --mem=1 -o /dev/null\ntrue\n`);
    const submitSec = await time(() => slurm.run("sbatch", "--parsable", script));
    const queueSec = await time(() => slurm.run("squeue", "-h", "-r", "-t", "all", "-o", SQUEUE_FORMAT));
    const file = join(results, "scale.yaml");
    writeFileSync(file, describeSweep(configurations));
    timeCommand("plan", file, "--freeze", "--results", results);
    const run = new RunPaths(join(results, "scale", readdirSync(join(results, "scale"))[0] ?? ""));
    const plan = parsePlan(readFileSync(run.plan, "utf8"));
    mkdirSync(run.tasks, { recursive: true });
    const recordBytes = fabricateTasks(run, plan, tasks);
    return {
      ...{ configurations, tasks, recordBytes, submitSec },
      // All tasks that were submitted, `TIMES` times as many, are waiting in the queue.
      queueSec: queueSec / TIMES,
      lookSec: await time(() => readSliceRecords(run, tasks, new SmallFiles(systemClock))),
      taskStartSec: await time(() => readTasks(run, { index: 0, count: tasks })),
      taskEndSec: await time(() => haveAllEnded(run, { count: tasks, parts: tasks })),
      mergeSec: timeScript("merge.ts", run.folder).sec,
    };
  } finally {
    await slurm.stop();
    rmSync(results, { recursive: true, force: true });
  }
}
