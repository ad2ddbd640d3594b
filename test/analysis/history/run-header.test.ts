import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RunHeaderReader } from "../../../src/analysis/history/run-header.js";
import { systemClock } from "../../../src/base/clock.js";
import { appendChecksum } from "../../../src/run/checksummed-line.js";
import { SmallFiles } from "../../../src/run/small-files.js";
import { fakeRun } from "../../fixtures/records.js";
import { scratchFolder } from "../../fixtures/run-folder.js";

const newReader = () => new RunHeaderReader(new SmallFiles(systemClock));

const [run] = fakeRun({}).records;
if (run?.kind !== "run") throw new Error("the fixture does not begin with a run record");

/** Records whose first line is `header`. */
function recordsWith(header: object | string, rest = ""): string {
  const path = join(scratchFolder(), "records.jsonl");
  const line = typeof header === "string" ? header : appendChecksum(JSON.stringify(header));
  writeFileSync(path, `${line}\n${rest}`);
  return path;
}

test("a run of the same plan as the one before has its own name and time, and shares the plan", async () => {
  const reader = newReader();
  const first = await reader.read(recordsWith(run));
  const other = { ...run, run_id: "20261201T000000Z-ffff", at: "2026-12-01T00:00:00.000Z" };
  const second = await reader.read(recordsWith(other));
  expect(first).toEqual(run);
  expect(second).toEqual(other);
  expect(second?.plan).toBe(first?.plan);
});

test("a run of another plan is read as what it is, and so is the next one of the first plan", async () => {
  const reader = newReader();
  const other = { ...run, plan: { ...run.plan, experiment: "another" } };
  const experiments: (string | undefined)[] = [];
  for (const one of [run, other, run]) {
    experiments.push((await reader.read(recordsWith(one)))?.plan.experiment);
  }
  expect(experiments).toEqual([run.plan.experiment, "another", run.plan.experiment]);
});

test("a head longer than one chunk is read whole, whatever follows it", async () => {
  const prompts = run.prompts.map((one) => ({ ...one, prompt: "word ".repeat(20_000) }));
  const long = { ...run, prompts };
  const header = await newReader().read(recordsWith(long, "not a record\n"));
  expect(header?.prompts[0]?.prompt).toHaveLength(100_000);
});

test.each([
  [
    "a flipped bit, after an intact line of the same plan",
    appendChecksum(JSON.stringify(run)).replace("quant", "qu4nt"),
  ],
  ["no JSON", "garbage"],
  [
    "a record of another kind",
    JSON.stringify({ schema_version: 1, run_id: "a", at: run.at, kind: "run_end" }),
  ],
  ["a run record that breaks the schema", JSON.stringify({ ...run, plan: null })],
  ["a time that is none", JSON.stringify({ ...run, at: "yesterday" })],
  ["nothing", ""],
])("a first line with %s is no run record", async (_, line) => {
  const reader = newReader();
  await reader.read(recordsWith(run));
  expect(await reader.read(recordsWith(line))).toBeNull();
});

test("a file without a whole line has no head", async () => {
  const path = join(scratchFolder(), "records.jsonl");
  writeFileSync(path, JSON.stringify(run));
  expect(await newReader().read(path)).toBeNull();
});
