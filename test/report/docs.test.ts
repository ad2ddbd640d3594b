import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { qualityRows } from "../../src/report/quality-csv.js";
import { summarize } from "../../src/report/summary.js";
import { csvRows } from "../../src/results/csv.js";
import { groupRecords } from "../../src/results/run-data.js";
import { scoredRun } from "../fixtures/quality.js";

const page = readFileSync(fileURLToPath(new URL("../../docs/results.md", import.meta.url)), "utf8");
const section = (heading: string) => page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
const namesIn = (text: string) =>
  new Set(Array.from(text.matchAll(/`([a-z0-9_]+)`/g), ([, name]) => name ?? ""));
const data = groupRecords(scoredRun(), "test");

/** Every key of a document at any depth, but for keys that are data: axes and device maps. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== "object" || value === null) return [];
  const isData = new Set(["axes", "device_map", "quantization_effective"]);
  return Object.entries(value).flatMap(([key, child]) => [key, ...(isData.has(key) ? [] : keysOf(child))]);
}

test("docs/results.md names every column of the CSV, and none that does not exist", () => {
  const columns = new Set(csvRows(data).flatMap((row) => Object.keys(row)));
  const named = namesIn(
    section("records.csv")
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .join("\n"),
  );
  expect([...named].sort()).toEqual([...columns].sort());
});

test("docs/results.md names every column of quality.csv, and none that does not exist", () => {
  const columns = new Set(qualityRows(summarize(data)).flatMap((row) => Object.keys(row)));
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
  const missing = [...new Set(keysOf(summarize(data)))].filter((key) => !named.has(key));
  expect(missing).toEqual([]);
});
