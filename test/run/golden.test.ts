import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { FalconError } from "../../src/base/errors.js";
import { parseRecords } from "../../src/run/reader.js";

// python/tests/test_record_files.py reads the same files: both readers must agree on every one.
const folder = fileURLToPath(new URL("../golden/record-files/", import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));

function read(content: Buffer) {
  try {
    const { records, warnings } = parseRecords(content, "x");
    const kinds = records.map(({ kind }) => kind);
    return { error: null, kinds, lines_left_out: warnings.map(({ line }) => line) };
  } catch (error) {
    return { error: (error as FalconError).code, kinds: [], lines_left_out: [] };
  }
}

test.each(names)("%s is read as expected", (name) => {
  const expected = JSON.parse(readFileSync(join(folder, name.replace(".jsonl", ".expected.json")), "utf8"));
  expect(read(readFileSync(join(folder, name)))).toEqual(expected);
});
