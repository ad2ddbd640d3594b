import fc from "fast-check";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { AXES } from "../../../src/plan/axis-text.js";
import { groupRecords } from "../../../src/run/run-data.js";
import type { Cell, ColumnType, TableRow } from "../../../src/run/table/column.js";
import { COLUMNS } from "../../../src/run/table/columns.js";
import { csvPieces } from "../../../src/run/table/csv.js";
import { tableParquet } from "../../../src/run/table/parquet.js";
import { listRows } from "../../../src/run/table/rows.js";
import { type FakeRunOptions, fakeRun, THREE } from "../../fixtures/records.js";

const makeRows = (options: FakeRunOptions = {}) => [
  ...listRows([groupRecords(fakeRun(options).records, "test")]),
];
const toFile = (bytes: Uint8Array) => new Uint8Array(bytes).buffer;
const NOTHING_LOADED = THREE.map((one) => ({ ...one, failsAtLoad: { code: "model-corrupt" } }));

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The reader by itself takes away a text's byte order mark, which is part of the text here. */
const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && utf8.decode(bytes) };

/** Reads the rows and restores their types from before writing: whole numbers are read as BigInt, times as Date. */
async function readBack(bytes: Uint8Array): Promise<TableRow[]> {
  const read = await parquetReadObjects({ file: toFile(bytes), parsers });
  return read.map((row) =>
    Object.fromEntries(COLUMNS.map(({ name, type }) => [name, readCell(row[name] ?? null, type)])),
  );
}

function readCell(value: unknown, type: ColumnType): Cell {
  if (value === null) return null;
  if (type === "timestamp") return (value as Date).toISOString();
  if (type !== "int64") return value as Cell;
  expect(typeof value).toBe("bigint");
  return Number(value);
}

test.each<[string, FakeRunOptions]>([
  ["a run on a CPU", {}],
  ["a run on a GPU", { device: "cuda" }],
  ["a run in which nothing could be loaded", { configurations: NOTHING_LOADED }],
  ["a run with failed trials", { configurations: THREE.map((one) => ({ ...one, failedTrials: [1] })) }],
])("Parquet gives back every cell of %s", async (_, options) => {
  const rows = makeRows(options);
  expect(await readBack(tableParquet(rows))).toEqual(rows);
});

const ARBITRARY: Readonly<Record<ColumnType, fc.Arbitrary<Cell>>> = {
  string: fc.string({ unit: "binary" }),
  int64: fc.maxSafeInteger(),
  // Records are JSON, which writes −0 as 0.
  double: fc.double({ noNaN: true }).map((value) => value + 0),
  boolean: fc.boolean(),
  timestamp: fc
    .date({ min: new Date("1970-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
    .map((date) => date.toISOString()),
};
const anyRow = fc.record(
  Object.fromEntries(
    COLUMNS.map(({ name, type, nullable }) => [
      name,
      nullable ? fc.option(ARBITRARY[type]) : ARBITRARY[type],
    ]),
  ),
);

test("whatever the rows hold, Parquet gives it back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRow, { maxLength: 5 }), async (rows) => {
      expect(await readBack(tableParquet(rows as TableRow[]))).toEqual(rows);
    }),
    { numRuns: 60 },
  );
});

test("a text that begins with a byte order mark keeps it in Parquet", async () => {
  const [row] = makeRows({ prompts: ["\uFEFFWhy is the sky blue?"] });
  expect((await readBack(tableParquet([row as TableRow])))[0]?.prompt).toBe("\uFEFFWhy is the sky blue?");
});

test("the same records give the same bytes", () => {
  expect(tableParquet(makeRows())).toEqual(tableParquet(makeRows()));
  expect([...csvPieces(makeRows())].join("")).toBe([...csvPieces(makeRows())].join(""));
});

test("the schema is the same whatever was measured: all failed, a GPU, no rows", () => {
  const readSchema = (rows: readonly TableRow[]) => parquetMetadata(toFile(tableParquet(rows))).schema;
  const usual = readSchema(makeRows());
  expect(usual).toHaveLength(COLUMNS.length + 1);
  for (const rows of [makeRows({ configurations: NOTHING_LOADED }), makeRows({ device: "cuda" }), []]) {
    expect(readSchema(rows)).toEqual(usual);
  }
});

test("a configuration without any trial has one row, with its failure", () => {
  const rows = makeRows({ configurations: NOTHING_LOADED });
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatchObject({ status: "failed", failure_code: "model-corrupt", trial_id: null });
});

test("a trial that an earlier run measured names that run", () => {
  const earlier = { experiment: "quant", run_id: "20261123T000000Z-eeee", at: "2026-11-23T00:00:00.000Z" };
  const records = fakeRun().records.map((record) =>
    record.kind === "trial" && record.configuration_id === "none"
      ? { ...record, attempt: 2, reused_from: earlier }
      : record,
  );
  const rows = [...listRows([groupRecords(records, "test")])];
  expect(rows.filter((row) => row.reused_from_run_id === earlier.run_id)).toHaveLength(5);
  expect(rows.filter((row) => row.reused_from_run_id === null)).toHaveLength(10);
  expect(rows[0]).toMatchObject({ configuration: "none", attempt: 2 });
});

test("a row says by itself what was asked, of which model, under which settings", () => {
  const [row] = makeRows({ prompts: ["Why is the sky blue?"] });
  expect(row).toMatchObject({
    prompt: "Why is the sky blue?",
    model: "SmolLM2-135M-Instruct",
    attention_requested: "auto",
    seed: 0,
  });
  const records = fakeRun().records.map((record) =>
    record.kind === "run"
      ? {
          ...record,
          configurations: record.configurations.map((one, index) => ({
            ...one,
            axes: { ...one.axes, model: `model ${index}` },
          })),
        }
      : record,
  );
  const models = [...listRows([groupRecords(records, "test")])].map(({ model }) => model);
  expect(new Set(models)).toEqual(new Set(["model 0", "model 1", "model 2"]));
});

test("no row lacks what a column promises, and every cell has its column's type", () => {
  const scripts = {
    string: "string",
    timestamp: "string",
    int64: "number",
    double: "number",
    boolean: "boolean",
  };
  const all = [makeRows(), makeRows({ device: "cuda" }), makeRows({ configurations: NOTHING_LOADED })].flat();
  for (const { name, type, nullable } of COLUMNS) {
    for (const row of all) {
      const cell = row[name];
      if (cell === null) expect(nullable, name).toBe(true);
      else expect(typeof cell, name).toBe(scripts[type]);
    }
  }
  expect(new Set(COLUMNS.map(({ name }) => name)).size).toBe(COLUMNS.length);
});

test("whatever a matrix may vary is a column", () => {
  const names = new Set(COLUMNS.map(({ name }) => name));
  const lacking = AXES.filter((axis) => !names.has(axis) && !names.has(`${axis}_requested`));
  expect(lacking).toEqual([]);
});

test("what a model wrote is real text in Parquet and harmless text in CSV", async () => {
  const nasty = '=cmd("x")\u001b[31m\u202egnp.exe';
  const rows = makeRows({ answer: () => nasty });
  const [first] = await readBack(tableParquet(rows));
  expect(first?.output_text).toBe(nasty);
  const csv = [...csvPieces(rows)].join("");
  expect(csv).toContain('"\'=cmd(""x"")[U+001B][31m[U+202E]gnp.exe"');
  expect(csv).not.toContain("\u001b");
});

test("the file says which runs it holds", () => {
  const { key_value_metadata } = parquetMetadata(toFile(tableParquet(makeRows())));
  expect(key_value_metadata).toContainEqual({ key: "falcon_exp.experiments", value: '["quant"]' });
});

test("a CSV without rows still names its columns", () => {
  expect([...csvPieces([])].join("")).toBe(`${COLUMNS.map(({ name }) => name).join(",")}\n`);
});
