/**
 * `npm run bench:scale [-- --trials 1000,10000,100000]`: how long it takes to plan a run of this many trials, to merge it from
 * the records of its tasks, and to list, report and export it, and how much memory each of these steps takes at most.
 *
 * There are ten trials per configuration and four configurations per reference, so that 100,000 trials are 10,000 configurations
 * in 2,500 parts. The records are fabricated, with one task per part up to 500. The promises: planned in 2 s, no step above 2 GB,
 * and with ten times the trials no step takes more than twelve times as long or as much memory. Exits 1 if one is broken.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parsePlan } from "../src/plan/plan-file.js";
import { splitPlan } from "../src/plan/slices.js";
import { RunPaths } from "../src/run/paths.js";
import { fabricateTasks } from "./scale/fabricate.js";
import { describeSweep } from "./scale/sweep.js";
import { type Timed, timeCommand, timeScript } from "./scale/timed.js";

const TRIALS_EACH = 10;
const MOST_TASKS = 500;
const MOST_PLAN_SEC = 2;
const MOST_BYTES = 2e9;
/** The growth for ten times the trials; a little more than ten, because a shared machine is not always equally fast. */
const MOST_GROWTH = 12;

const { values } = parseArgs({ options: { trials: { type: "string", default: "1000,10000,100000" } } });
const sizes = values.trials.split(",").map(Number);

const measured = sizes.map((trials) => ({ trials, steps: measureSize(trials) }));
const broken = [...measured.flatMap(({ trials, steps }) => judge(trials, steps)), ...judgeGrowth()];
for (const sentence of broken) console.log(sentence);
process.exitCode = broken.length === 0 ? 0 : 1;

function measureSize(trials: number): Readonly<Record<string, Timed>> {
  const results = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
  try {
    const file = join(results, "scale.yaml");
    writeFileSync(file, describeSweep(trials / TRIALS_EACH));
    const steps: Record<string, Timed> = {};
    const step = (name: string, timed: Timed) => {
      steps[name] = timed;
      const { sec, peakBytes } = timed;
      console.log(
        JSON.stringify({ trials, step: name, sec: round(sec, 2), peak_mb: round(peakBytes / 1e6, 0) }),
      );
    };
    // The fastest of three, because other work on the machine slows down the others.
    const plans = Array.from({ length: 3 }, () =>
      timeCommand("plan", file, "--freeze", "--results", results),
    );
    step("plan", plans.toSorted((one, other) => one.sec - other.sec)[0] as Timed);
    for (const extra of readdirSync(join(results, "scale")).slice(1))
      rmSync(join(results, "scale", extra), { recursive: true });
    const run = new RunPaths(join(results, "scale", readdirSync(join(results, "scale"))[0] ?? ""));
    const plan = parsePlan(readFileSync(run.plan, "utf8"));
    const tasks = Math.min(MOST_TASKS, splitPlan(plan).length);
    mkdirSync(run.tasks, { recursive: true });
    const bytes = fabricateTasks(run, plan, tasks);
    console.log(JSON.stringify({ trials, tasks, record_mb: round(bytes / 1e6, 1) }));
    step("list from tasks", timeCommand("list", "--results", results));
    step("merge", timeScript("merge.ts", run.folder));
    step("report", timeCommand("report", run.folder));
    step("list", timeCommand("list", "--results", results));
    for (const format of ["csv", "parquet", "json"]) {
      const output = join(results, `all.${format}`);
      step(`export ${format}`, timeCommand("export", run.folder, "--to", format, "--output", output));
    }
    return steps;
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

function judge(trials: number, steps: Readonly<Record<string, Timed>>): readonly string[] {
  const told = Object.entries(steps).flatMap(([name, { peakBytes }]) =>
    peakBytes <= MOST_BYTES ? [] : [`${name} of ${trials} trials held ${round(peakBytes / 1e6, 0)} MB`],
  );
  const planSec = steps.plan?.sec ?? 0;
  return planSec <= MOST_PLAN_SEC
    ? told
    : [...told, `${trials} trials were planned in ${round(planSec, 2)} s`];
}

function judgeGrowth(): readonly string[] {
  return measured.slice(1).flatMap(({ trials, steps }, index) => {
    const before = measured[index];
    return Object.entries(steps).flatMap(([name, now]) => {
      const earlier = before?.steps[name];
      if (before === undefined || earlier === undefined) return [];
      const most = (MOST_GROWTH / 10) * (trials / before.trials);
      const [inTime, inMemory] = [now.sec / earlier.sec, now.peakBytes / earlier.peakBytes];
      const worst = Math.max(inTime, inMemory);
      const told = `${name}: ${trials / before.trials} times the trials, ${round(worst, 1)} times the ${worst === inTime ? "time" : "memory"}`;
      return worst <= most ? [] : [told];
    });
  });
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
