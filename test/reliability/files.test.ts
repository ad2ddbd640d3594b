import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { planText } from "../../src/plan/plan-file.js";
import type { Plan } from "../../src/plan/plan-types.js";
import { readEarlierRun } from "../../src/run/earlier-run.js";
import { RunPaths } from "../../src/run/paths.js";
import { readRecords } from "../../src/run/reader.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { openRunFolder, reopenRunFolder } from "../../src/run/run-folder.js";
import { listChildren } from "../fixtures/descendants.js";
import { smallPlan } from "../fixtures/plans.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { type RunPlanOptions, runPlan } from "../fixtures/run-plan.js";
import { smallDisk } from "../fixtures/small-disk.js";

const RUN_ID = "20260101T000000Z-0000";
const pathsIn = (results: string) => RunPaths.of(results, "small", RUN_ID);
type OnEvent = NonNullable<Parameters<typeof runPlan>[2]>;

/** Executes the plan as a new run in a real folder, with a scripted worker. */
async function runIn(results: string, plan: Plan, onEvent?: OnEvent, clock: Clock = systemClock) {
  const folder = await openRunFolder({
    resultsFolder: results,
    experiment: "small",
    runId: RUN_ID,
    experimentText: "name: small\n",
    planText: planText(plan),
    clock,
  });
  try {
    return await runPlan(plan, "good", onEvent, { sink: folder.records, clock });
  } finally {
    await folder.close();
  }
}

async function resumeIn(results: string, options: RunPlanOptions = {}) {
  const paths = pathsIn(results);
  const folder = await reopenRunFolder(paths, systemClock);
  try {
    const { plan } = await readEarlierRun(paths);
    const before = (await readRecords(paths.records)).records;
    await runPlan(plan, "good", undefined, { before, sink: folder.records, ...options });
  } finally {
    await folder.close();
  }
  return readRecords(paths.records);
}

const completed = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) =>
    record.kind === "trial" && record.status === "completed" ? [record.trial_id] : [],
  );
const listIds = (plan: Plan) => plan.trials.map(({ id }) => id);

/** Returns the scripted workers that this process has started and that are still running. */
const workersLeft = () =>
  listChildren(process.pid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("scripted.py");
    } catch {
      return false;
    }
  });

test("a disk that is full in mid-record ends the run with its worker, and with space it is resumed", async () => {
  const disk = smallDisk("96k");
  const plan = smallPlan(["none", "int8"], { trials: 40 });
  await expect(runIn(disk.folder, plan)).rejects.toMatchObject({ code: "results-write-failed", exitCode: 7 });
  expect(workersLeft()).toEqual([]);
  const paths = pathsIn(disk.folder);
  const cut = await readRecords(paths.records);
  expect(completed(cut.records).length).toBeGreaterThan(5);
  expect(cut.records.at(-1)?.kind).not.toBe("run_end");
  disk.remount("size=8m");
  const { records } = await resumeIn(disk.folder);
  expect(completed(records).toSorted()).toEqual(listIds(plan).toSorted());
  expect(completed(records).slice(0, completed(cut.records).length)).toEqual(completed(cut.records));
  expect(groupRecords(records, "x").end?.status).toBe("completed");
});

test("a log that finds no space stops nothing", async () => {
  const disk = smallDisk("1m");
  const plan = smallPlan(["none"]);
  const folder = await openRunFolder({
    resultsFolder: scratchFolder(),
    experiment: "small",
    runId: RUN_ID,
    experimentText: "",
    planText: planText(plan),
    clock: systemClock,
  });
  await folder.close();
  mkdirSync(pathsIn(disk.folder).folder, { recursive: true });
  symlinkSync("/dev/full", pathsIn(disk.folder).log);
  const { status } = await runIn(disk.folder, plan);
  expect(status).toBe("completed");
});

test.each([
  ["deleted", (folder: string) => rmSync(folder, { recursive: true })],
  [
    "replaced",
    (folder: string) => {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      writeFileSync(join(folder, "records.jsonl"), "");
    },
  ],
])("a run whose folder is %s under way ends with an error, and with its worker", async (_, act) => {
  const results = scratchFolder();
  const { folder } = pathsIn(results);
  let trials = 0;
  const run = runIn(results, smallPlan(["none"], { trials: 5 }), ({ type }) => {
    if (type === "trial-started" && ++trials === 3) act(folder);
  });
  await expect(run).rejects.toMatchObject({ code: "results-lost", exitCode: 7 });
  expect(trials).toBe(3);
  expect(workersLeft()).toEqual([]);
});

test("a folder that cannot be written to is told before anything is measured", async () => {
  const disk = smallDisk("1m");
  await runIn(disk.folder, smallPlan(["none"]));
  disk.remount("ro");
  let started = false;
  const refused = { code: "results-write-failed", exitCode: 7 };
  const other = openRunFolder({
    resultsFolder: disk.folder,
    experiment: "another",
    runId: RUN_ID,
    experimentText: "",
    planText: "",
    clock: systemClock,
  });
  await expect(other).rejects.toMatchObject(refused);
  await expect(
    resumeIn(disk.folder, {
      sink: {
        append: async () => {
          started = true;
        },
      },
    }),
  ).rejects.toMatchObject(refused);
  expect(started).toBe(false);
  // The records that were written before can still be read.
  expect(completed((await readRecords(pathsIn(disk.folder).records)).records)).toHaveLength(2);
});

test("results may lie behind a symbolic link, and are written where it leads", async () => {
  const root = scratchFolder();
  mkdirSync(join(root, "far/away"), { recursive: true });
  symlinkSync(join(root, "far/away"), join(root, "results"));
  const { status } = await runIn(join(root, "results"), smallPlan(["none"]));
  expect(status).toBe("completed");
  const real = realpathSync(pathsIn(join(root, "results")).folder);
  expect(real.startsWith(join(realpathSync(root), "far/away"))).toBe(true);
  expect(readdirSync(real)).toContain("records.jsonl");
});

test("a clock that is set back between records changes no order and makes no time negative", async () => {
  const results = scratchFolder();
  let hours = 0;
  const clock: Clock = {
    now: () => new Date(Date.UTC(2026, 0, 2) - 3_600_000 * hours++),
    monotonicSec: systemClock.monotonicSec,
  };
  const plan = smallPlan(["none", "int8"]);
  let trials = 0;
  const killed = runIn(
    results,
    plan,
    ({ type }) => {
      if (type === "trial-started" && ++trials === 3) throw new Error("killed here");
    },
    clock,
  );
  await expect(killed).rejects.toThrow("killed here");
  const { records } = await resumeIn(results, { clock });
  expect(completed(records)).toEqual(listIds(plan));
  const data = groupRecords(records, "x");
  expect(data.configurations.map(({ status }) => status)).toEqual(["completed", "completed"]);
  expect(data.elapsedSec).toBeGreaterThanOrEqual(0);
});

test("a flipped bit takes one trial out, and a resumed run measures that one again", async () => {
  const results = scratchFolder();
  const plan = smallPlan(["none"], { trials: 4 });
  await runIn(results, plan);
  const { records: path } = pathsIn(results);
  const content = readFileSync(path);
  const at = content.indexOf("answer to question 2");
  content.writeUInt8(content.readUInt8(at) ^ 4, at);
  writeFileSync(path, content);
  const damaged = await readRecords(path);
  expect(damaged.warnings).toHaveLength(1);
  expect(completed(damaged.records)).toHaveLength(3);
  const { records, warnings } = await resumeIn(results);
  expect(completed(records).toSorted()).toEqual(listIds(plan));
  expect(warnings).toHaveLength(1);
});

test("two runs never write into one folder", async () => {
  const results = scratchFolder();
  let refused: unknown = null;
  let attempted = false;
  await runIn(results, smallPlan(["none"]), ({ type }) => {
    if (type !== "worker-ready" || attempted) return;
    attempted = true;
    void reopenRunFolder(pathsIn(results), systemClock).catch((error: unknown) => {
      refused = error;
    });
  });
  expect(refused).toMatchObject({ code: "results-locked" });
  expect(readdirSync(pathsIn(results).folder)).not.toContain("run.lock");
});
