import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { withGeneratedParts } from "../../scripts/docs-tables.js";
import { qualityRows } from "../../src/render/quality-csv.js";
import { writeSummary } from "../../src/render/words/summary.js";
import { recordJsonSchema } from "../../src/run/record-json-schema.js";
import { groupRecords } from "../../src/run/run-data.js";
import { COLUMNS } from "../../src/run/table/columns.js";
import { scoredRun } from "../fixtures/quality.js";

const page = readFileSync(fileURLToPath(new URL("../../docs/results.md", import.meta.url)), "utf8");
const section = (heading: string) => page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
const namesIn = (text: string) =>
  new Set(Array.from(text.matchAll(/`([a-z0-9_]+)`/g), ([, name]) => name ?? ""));
const data = groupRecords(scoredRun(), "test");

/** Returns every key of a document at any depth, except keys that are data: axes and device maps. */
function listKeys(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(listKeys);
  if (typeof value !== "object" || value === null) return [];
  const isData = new Set(["axes", "device_map", "quantization_effective"]);
  return Object.entries(value).flatMap(([key, child]) => [key, ...(isData.has(key) ? [] : listKeys(child))]);
}

test("docs/results.md lists every column of the table, as generated today", () => {
  expect(withGeneratedParts(page)).toBe(page);
  expect(Array.from(section("records.csv").matchAll(/^\| `(\w+)` \|/gm), ([, name]) => name)).toEqual(
    COLUMNS.map(({ name }) => name),
  );
});

/** Returns the `kind` of every object in the schema that describes a line of the records. */
function kindsIn(schema: unknown, definitions: Readonly<Record<string, { const?: string }>>): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties } = schema as {
    properties?: { kind?: { $ref?: string; const?: string }; run_id?: object };
  };
  const { $ref = "", const: inLine } = properties?.run_id === undefined ? {} : (properties.kind ?? {});
  const kind = inLine ?? definitions[$ref.split("/").at(-1) ?? ""]?.const;
  return [
    ...(kind === undefined ? [] : [kind]),
    ...Object.values(schema).flatMap((child) => kindsIn(child, definitions)),
  ];
}

test("docs/results.md names every kind of record, and none that does not exist", () => {
  const named = Array.from(section("records.jsonl").matchAll(/^\| `(\w+)` /gm), ([, kind]) => kind);
  const schema = recordJsonSchema() as { $defs: Record<string, { const?: string }> };
  expect(named.sort()).toEqual([...new Set(kindsIn(schema, schema.$defs))].sort());
});

test("docs/results.md names every column of quality.csv, and none that does not exist", () => {
  const columns = new Set(qualityRows(writeSummary(data)).flatMap((row) => Object.keys(row)));
  const named = namesIn(
    section("quality.csv")
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .join("\n"),
  );
  expect([...named].sort()).toEqual([...columns].sort());
});

test("docs/results.md names every key of summary.json", () => {
  const named = namesIn(section("summary.json"));
  const missing = [...new Set(listKeys(writeSummary(data)))].filter((key) => !named.has(key));
  expect(missing).toEqual([]);
});
