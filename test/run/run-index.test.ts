import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { ownProcessName } from "../../src/base/process-name.js";
import { writeReport } from "../../src/render/write-report.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { indexRuns, type RunIndexEntry } from "../../src/run/run-index.js";
import { lockRun } from "../../src/run/run-lock.js";
import { RunProgress } from "../../src/run/run-progress.js";
import { noDrawing } from "../fixtures/no-drawing.js";
import { type FakeRunOptions, fakeRun, THREE, toJsonl } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun, makeRecords } from "../fixtures/run-on-disk.js";

/** The entry without what only one of the two sources can tell. */
const asShown = ({ has_current_summary, configurations, ...entry }: RunIndexEntry) => ({
  ...entry,
  configurations,
});

test("runs are listed newest first, wherever they are sorted into", async () => {
  const results = scratchFolder();
  addRun(results, "quant/20261124T020000Z-0001");
  addRun(results, "kept/example/quant/20261126T020000Z-0003");
  addRun(results, "fast/20261125T020000Z-0002");
  const entries = await indexRuns({ folder: results });
  expect(entries.map(({ path }) => path)).toEqual([
    "kept/example/quant/20261126T020000Z-0003",
    "fast/20261125T020000Z-0002",
    "quant/20261124T020000Z-0001",
  ]);
  expect(entries[0]).toMatchObject({
    experiment: "quant",
    run_id: "20261126T020000Z-0003",
    status: "completed",
    problem: null,
    model_name: expect.any(String),
    trials_planned: 15,
    trials_completed: 15,
    elapsed_sec: 89.5,
  });
});

test("summary.json and the records alone tell the same of a run", async () => {
  const results = scratchFolder();
  for (const [index, options] of [
    {},
    { device: "cuda", repeats: 3 },
    { configurations: THREE.map((one, i) => (i === 2 ? { ...one, failsAtLoad: {} } : one)) },
    { configurations: THREE.map((one, i) => (i === 1 ? { ...one, failedTrials: [0, 3] } : one)) },
  ].entries() as Iterable<[number, FakeRunOptions]>) {
    const paths = addRun(results, `quant/2026112${index}T020000Z-0001`, options);
    const [alone] = await indexRuns({ folder: results });
    await writeReport(paths, noDrawing());
    const [summarized] = await indexRuns({ folder: results });
    expect(alone?.has_current_summary).toBe(false);
    expect(summarized?.has_current_summary).toBe(true);
    if (alone === undefined || summarized === undefined) throw new Error("no run");
    expect(asShown(summarized)).toEqual(asShown(alone));
  }
});

test("a summary of an earlier state of the records is not believed", async () => {
  const results = scratchFolder();
  const paths = addRun(results, "quant/20261124T020000Z-0001");
  await writeReport(paths, noDrawing());
  const { records } = fakeRun({ configurations: THREE.slice(0, 2) });
  writeFileSync(
    paths.records,
    toJsonl([...records.slice(0, -1), { ...records.at(-1), elapsed_sec: 12 } as RunFileRecord]),
  );
  const [entry] = await indexRuns({ folder: results });
  expect(entry).toMatchObject({ has_current_summary: false, elapsed_sec: 12, trials_completed: 10 });
});

test("a run whose controller was killed tells how far it got", async () => {
  const results = scratchFolder();
  const paths = addRun(results, "quant/20261124T020000Z-0001", {
    configurations: THREE.map((one, i) => (i === 1 ? { ...one, cutAfter: 2 } : one)),
  });
  const [entry] = await indexRuns({ folder: results });
  expect(entry).toMatchObject({ status: "killed", problem: null, trials_planned: 15, trials_completed: 7 });
  expect(entry?.configurations.map(({ status }) => status)).toEqual(["completed", "interrupted", "not_run"]);
  // A line that was cut short by the kill does not count as damage.
  writeFileSync(paths.records, '{"schema_version":1,"ru', { flag: "a" });
  expect((await indexRuns({ folder: results }))[0]).toMatchObject({ status: "killed", problem: null });
});

test("a run that cannot be read is an entry with its reason", async () => {
  const results = scratchFolder();
  addRun(results, "quant/20261124T020000Z-0001", "");
  addRun(results, "quant/20261124T020000Z-0002", "\0\u001b]0;no record\n{}\nnull\n[1]\n");
  addRun(results, "quant/20261124T020000Z-0003", '{"schema_version":99,"kind":"run"}\n');
  rmSync(addRun(results, "quant/20261124T020000Z-0004").records);
  mkdirSync(addRun(results, "quant/20261124T020000Z-0005", "").folder, { recursive: true });
  rmSync(join(results, "quant/20261124T020000Z-0005/records.jsonl"));
  mkdirSync(join(results, "quant/20261124T020000Z-0005/records.jsonl"));
  const entries = await indexRuns({ folder: results });
  expect(entries.map(({ status }) => status)).toEqual(Array(5).fill("damaged"));
  expect(entries.map(({ problem }) => problem).reverse()).toEqual([
    "no record says what was to be measured",
    "no record says what was to be measured",
    "a newer falcon-exp wrote it (schema version 99)",
    "it has no records.jsonl",
    expect.stringContaining("is no regular file"),
  ]);
  expect(entries.every(({ experiment }) => experiment === "quant")).toBe(true);
});

test("damaged lines are told, and the others count", async () => {
  const results = scratchFolder();
  const lines = toJsonl(fakeRun().records).split("\n");
  const at = lines.findIndex((line) => line.includes('"kind":"trial"'));
  lines[at] = `${lines[at]?.slice(0, -9)}`;
  addRun(results, "quant/20261124T020000Z-0001", lines.join("\n"));
  const [entry] = await indexRuns({ folder: results });
  expect(entry).toMatchObject({
    status: "completed",
    problem: `damaged in line ${at + 1}; none: 1 measured trial is missing from the records (run --resume measures it again)`,
    trials_completed: 14,
  });
});

test("a run that is written to is running, and so is its configuration", async () => {
  const results = scratchFolder();
  const paths = addRun(results, "quant/20261124T020000Z-0001", {
    configurations: THREE.map((one, i) => (i === 1 ? { ...one, cutAfter: 2 } : one)),
  });
  const lock = await lockRun(paths.folder, await ownProcessName(), systemClock);
  onTestFinished(() => lock.release());
  const [entry] = await indexRuns({ folder: results });
  expect(entry?.status).toBe("running");
  expect(entry?.configurations.map(({ status }) => status)).toEqual(["completed", "running", "not_run"]);
});

test("one experiment's runs can be asked for", async () => {
  const results = scratchFolder();
  addRun(results, "quant/20261124T020000Z-0001");
  addRun(results, "fast/20261125T020000Z-0002", "");
  const of = async (experiment: string) =>
    (await indexRuns({ folder: results, experiment })).map(({ path }) => path);
  expect(await of("quant")).toEqual(["quant/20261124T020000Z-0001"]);
  expect(await of("fast")).toEqual(["fast/20261125T020000Z-0002"]);
  expect(await of("other")).toEqual([]);
});

test("links are not followed: what lies elsewhere is not listed, and a circle has no end to walk to", async () => {
  const results = scratchFolder();
  const elsewhere = scratchFolder();
  addRun(elsewhere, "quant/20261124T020000Z-0001");
  symlinkSync(join(elsewhere, "quant"), join(results, "linked"));
  symlinkSync(results, join(results, "circle"));
  expect(await indexRuns({ folder: results })).toEqual([]);
});

test("a folder that is not there has no runs; a file in its place is an error with a next step", async () => {
  const folder = scratchFolder();
  expect(await indexRuns({ folder: join(folder, "none") })).toEqual([]);
  writeFileSync(join(folder, "file"), "");
  await expect(indexRuns({ folder: join(folder, "file") })).rejects.toMatchObject({
    code: "results-not-found",
  });
});

test("any bytes in place of records give an entry, never a crash", async () => {
  const results = scratchFolder();
  const records = Buffer.from(toJsonl(fakeRun().records));
  const paths = addRun(results, "quant/20261124T020000Z-0001");
  await fc.assert(
    fc.asyncProperty(
      fc.nat(records.length - 1),
      fc.uint8Array({ maxLength: 40 }),
      fc.boolean(),
      async (at, bytes, cut) => {
        const content = Buffer.concat([records.subarray(0, at), bytes, records.subarray(at + bytes.length)]);
        writeFileSync(paths.records, content);
        if (cut) truncateSync(paths.records, at);
        expect(await indexRuns({ folder: results })).toHaveLength(1);
      },
    ),
    { numRuns: 200 },
  );
});

/** A run in which one configuration fails and is tried again after a resume, then once more after another that is cut off. */
function resumedRecords(): RunFileRecord[] {
  const commonFields = {
    schema_version: 1,
    run_id: "20261124T020000Z-0001",
    at: "2026-11-25T02:00:00.000Z",
  } as const;
  const first = makeRecords(commonFields.run_id, {
    configurations: THREE.map((one, i) => (i === 1 ? { ...one, failedTrials: [2] } : one)),
  });
  const again = first
    .filter((record) => "configuration_id" in record && record.configuration_id === "int8")
    .map((record) => ({ ...record, at: "2026-11-25T02:00:30.000Z" }) as RunFileRecord);
  const resume: RunFileRecord = {
    ...commonFields,
    kind: "resume",
    falcon_exp_version: "0.1.0",
    controller: first[0]?.kind === "run" ? first[0].controller : ({} as never),
    retry_failed: true,
    blocks_left: 1,
    trials_left: 5,
    environment_changes: [],
  };
  const end = { ...commonFields, kind: "run_end", status: "completed", elapsed_sec: 30 } as const;
  return [...first, resume, ...again, end, resume, ...again];
}

test.each([
  [
    "of one process",
    makeRecords("20261124T020000Z-0001", {
      configurations: THREE.map((one, i) => (i === 1 ? { ...one, failedTrials: [2] } : one)),
    }),
  ],
  ["that was resumed", resumedRecords()],
])("after any number of records of a run %s, progress counts what the report counts", (_what, records) => {
  for (let count = 1; count <= records.length; count++) {
    const some = records.slice(0, count);
    const progress = new RunProgress();
    for (const record of some) progress.addRecord(record);
    const data = groupRecords(some, "records.jsonl");
    const expected = data.configurations.map(({ plan, status, trials, load }) => ({
      id: plan.worker.id,
      status,
      load_sec: load?.load.load_sec ?? null,
      trials_completed: trials.filter((trial) => trial.status === "completed").length,
      trials_failed: trials.filter((trial) => trial.status === "failed").length,
    }));
    expect(progress.configurations()).toMatchObject(expected);
    expect(progress.end?.status).toBe(data.end?.status);
    if (data.end !== null) expect(progress.elapsedSec).toBe(data.elapsedSec);
  }
});
