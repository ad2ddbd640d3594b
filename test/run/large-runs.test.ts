import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { planText } from "../../src/plan/plan-file.js";
import { joinParts, type Slice, splitPlan } from "../../src/plan/slices.js";
import { exporter } from "../../src/render/export/exporter.js";
import { reportHtml } from "../../src/render/html/page.js";
import { MOST_SHOWN, pickShown } from "../../src/render/shown-part.js";
import { resultTable } from "../../src/render/terminal/terminal-table.js";
import { writeSummary } from "../../src/render/words/summary.js";
import { RunPaths } from "../../src/run/paths.js";
import {
  listMerged,
  mergeTaskRecords,
  readParts,
  readRunRecords,
  readTasks,
} from "../../src/run/read-run-records.js";
import { parseRecords } from "../../src/run/reader.js";
import { groupRecords, readRun } from "../../src/run/run-data.js";
import { Sharing } from "../../src/run/sharing.js";
import { listRows } from "../../src/run/table/rows.js";
import { haveAllEnded } from "../../src/run/task-ends.js";
import { type FakeConfiguration, fakeRun, THREE, toJsonl } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";

/** A run of four references, each measured by its own task. */
function taskedRun() {
  const configurations = ["a", "b", "c", "d"].map((id): FakeConfiguration => ({ id, reference: true }));
  const { plan: fake, records } = fakeRun({ configurations, prompts: ["one"], repeats: 2 });
  const plan = {
    ...fake,
    configurations: fake.configurations.map((one) => ({ ...one, reference_id: one.worker.id })),
  };
  const run = new RunPaths(scratchFolder());
  writeFileSync(run.plan, planText(plan));
  for (const [index, part] of splitPlan(plan).entries()) {
    const id = part.configurations[0]?.worker.id;
    const own = records.filter((record) => !("configuration_id" in record) || record.configuration_id === id);
    mkdirSync(run.task(`${index}of4.0`).folder, { recursive: true });
    writeFileSync(run.task(`${index}of4.0`).records, toJsonl(own));
  }
  return { run, plan };
}

test("a task that begins, or ends, reads what is of its own slice, whatever the others have written", async () => {
  const { run, plan } = taskedRun();
  // Reading this file would throw, because its record is of a newer version.
  writeFileSync(run.task("0of4.0").records, '{"schema_version":99,"kind":"trial"}\n');
  const slice: Slice = { index: 2, count: 4 };
  const { parts } = await readTasks(run, slice);
  expect(parts.map(({ plan: part, chosen }) => [part.configurations[0]?.worker.id, chosen?.state])).toEqual([
    ["c", "complete"],
  ]);
  await expect(readTasks(run)).rejects.toMatchObject({ code: "results-schema-newer" });
  expect(await haveAllEnded(run, { count: 4, parts: 4 })).toBe(false);
  // What one process finished counts for all slices, and only such a process reads everything.
  const whole = run.task("0of1.0");
  mkdirSync(whole.folder);
  const end = { schema_version: 1, run_id: "r", at: "2026-01-01T00:00:00.000Z", kind: "run_end" };
  writeFileSync(whole.records, `${JSON.stringify({ ...end, status: "completed", elapsed_sec: 1 })}\n`);
  expect(await haveAllEnded(run, { count: 4, parts: 4 })).toBe(true);
  expect(joinParts(plan, []).configurations).toEqual([]);
});

test("slices are over when each that has work has ended; empty ones leave nothing", async () => {
  const { run } = taskedRun();
  expect(await haveAllEnded(run, { count: 4, parts: 4 })).toBe(true);
  rmSync(run.task("3of4.0").folder, { recursive: true });
  expect(await haveAllEnded(run, { count: 4, parts: 4 })).toBe(false);
  expect(await haveAllEnded(run, { count: 4, parts: 3 })).toBe(true);
});

test("records that were merged into one file read as they did from the tasks", async () => {
  const { run } = taskedRun();
  const before = await readRunRecords(run);
  expect(before.records.at(-1)?.kind).toBe("run_end");
  expect(before.records.filter(({ kind }) => kind === "trial")).toHaveLength(8);
  expect(await mergeTaskRecords(run)).toEqual([]);
  expect(existsSync(run.records)).toBe(true);
  expect(await readRunRecords(run)).toEqual(before);
});

test("a task's records that can no longer be read are an error, and never a run without them", async () => {
  const { run } = taskedRun();
  const lost = run.task("1of4.0").records;
  // A task that was killed before its first record has none.
  mkdirSync(run.task("0of4.9").folder);
  const merged = await readTasks(run);
  expect(merged.end?.status).toBe("completed");
  const carried = merged.parts.flatMap(({ chosen }) => chosen ?? []);
  rmSync(lost);
  const unreadable = { code: "results-not-found" };
  const readAll = async () => {
    for await (const _ of listMerged(run, merged));
  };
  await expect(readAll()).rejects.toMatchObject(unreadable);
  await expect(readParts(run, carried)).rejects.toMatchObject(unreadable);
  // Reading a folder as a file fails as reading from a disk that is gone does.
  mkdirSync(lost);
  await expect(mergeTaskRecords(run)).rejects.toMatchObject(unreadable);
  expect(existsSync(run.records)).toBe(false);
});

test("what repeats say is held once, and nothing of it is lost", () => {
  const content = Buffer.from(toJsonl(fakeRun({ repeats: 3 }).records));
  const { records } = parseRecords(content, "here");
  const sharing = new Sharing();
  const shared = parseRecords(content, "here").records.map((record) => sharing.share(record));
  expect(shared).toEqual(records);
  const answers = shared.flatMap((record) =>
    record.kind === "trial" && record.status === "completed" && record.trial_id.startsWith("none/p1/")
      ? [record.measurement.output_ids]
      : [],
  );
  expect(new Set(answers).size).toBe(1);
  expect(answers).toHaveLength(3);
});

const pairs = () =>
  Array.from({ length: 70 }, (_, index): FakeConfiguration[] => [
    { id: `none-${index}`, reference: true },
    { id: `fp4-${index}` },
  ]).flat();

/** A run in which every other configuration, from the first on, is the reference of the next one. */
function largeRun(configurations: readonly FakeConfiguration[]) {
  const { records, plan } = fakeRun({ configurations, prompts: ["one"] });
  const own = plan.configurations.map((one, index) => ({
    ...one,
    reference_id: plan.configurations[index - (index % 2)]?.worker.id ?? null,
  }));
  const data = groupRecords(
    records.map((record) => (record.kind === "run" ? { ...record, configurations: own } : record)),
    "here",
  );
  return { data, summary: writeSummary(data) };
}

test("a run of many configurations shows the first references with all that is compared with them", () => {
  const configurations = pairs();
  const { data, summary } = largeRun(configurations);
  const shown = pickShown(data, summary);
  expect(shown.summary.configurations).toHaveLength(MOST_SHOWN);
  expect(shown.data.configurations.map(({ plan: { worker } }) => worker.id)).toEqual(
    configurations.slice(0, MOST_SHOWN).map(({ id }) => id),
  );
  expect(shown.note).toContain("The first 100 of 140 configurations are shown");
  const few = groupRecords(fakeRun().records, "here");
  expect(pickShown(few, writeSummary(few))).toMatchObject({ data: few, note: null });
});

test("what failed of what is not shown is counted, and nobody says that nothing failed", () => {
  const failing = (...ids: readonly string[]) => {
    const configurations = pairs().map((one) => (ids.includes(one.id) ? { ...one, failsAtLoad: {} } : one));
    const { data, summary } = largeRun(configurations);
    const page = reportHtml(data, summary, { script: "", style: "" });
    return { note: pickShown(data, summary).note, page };
  };
  const two = failing("fp4-60", "none-65");
  expect(two.note).toMatch(/records\.parquet\. Of those left out, 2 failed or are incomplete\.$/);
  expect(two.page).toContain("Of those left out, 2 failed or are incomplete.");
  expect(two.page).toContain("None of the configurations shown failed.");
  expect(two.page).not.toContain("Nothing failed.");
  expect(failing("fp4-60").note).toMatch(/Of those left out, 1 failed or is incomplete\.$/);
  expect(failing("fp4-1").note).toMatch(/records\.parquet\.$/);
});

test("a document that is made in pieces is the one that would be made at once", () => {
  const data = groupRecords(fakeRun({ configurations: THREE }).records, "here");
  const { add, content } = exporter("json");
  const made = () => {
    const { pieces } = content() as { readonly pieces: Iterable<string> };
    return [...pieces].join("");
  };
  const whole = (summaries: readonly unknown[], rows: readonly unknown[]) =>
    `${JSON.stringify({ schema_version: 1, summaries, rows }, null, 2)}\n`;
  expect(made()).toBe(whole([], []));
  add(data);
  expect(made()).toBe(whole([writeSummary(data)], [...listRows([data])]));
});

test("why tasks were cut off stands in the records, in the summary, at the terminal and on the page", async () => {
  const { run } = taskedRun();
  const loss = {
    ...{ slice: 2, job: "17_2", restart: 0, state: "TIMEOUT", code: "slurm-time-limit" },
    message: "Slurm task 17_2 on n1: it reached its time limit (TIMEOUT).",
    at: "2026-11-24T02:40:00.000Z",
  };
  const ledger = {
    losses_before: [{ ...loss, slice: 1, job: "11_1", outcome: "given-up" }],
    losses: [{ ...loss, outcome: "again" }],
  };
  writeFileSync(run.slurm, JSON.stringify(ledger));
  expect(await mergeTaskRecords(run)).toEqual([]);
  const { data } = await readRun(run.folder);
  const summary = writeSummary(data);
  expect(summary.task_losses).toEqual([...ledger.losses_before, ...ledger.losses]);
  expect(summary.elapsed_sec).toBe(data.end?.elapsed_sec);
  const said = "slice 2: Slurm task 17_2 on n1: it reached its time limit (TIMEOUT).";
  const table = resultTable(summary, { columns: 200, color: false });
  expect(table).toContain(`Interrupted: ${said} It was submitted again (slurm-time-limit).`);
  expect(reportHtml(data, summary, { script: "", style: "" })).toContain(said);
});
