import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { writeComparison } from "../../../src/render/words/compare-report.js";
import { parseRecords } from "../../../src/run/reader.js";
import { groupRecords } from "../../../src/run/run-data.js";

// python/tests/test_compatibility.py reads the same files: where `compare` refuses, a notebook warns.
const folder = fileURLToPath(new URL("../../golden/compare/", import.meta.url));

test.each(readdirSync(folder))("two runs are told apart: %s", (name) => {
  const inputs = ["a", "b"].map((argument) => {
    const file = `${argument}.jsonl`;
    const { records, warnings } = parseRecords(readFileSync(join(folder, name, file)), file);
    expect(warnings).toEqual([]);
    return { argument, data: groupRecords(records, file), configuration: null };
  });
  const { forced, environment } = writeComparison(inputs, { force: true });
  const expected = JSON.parse(readFileSync(join(folder, name, "expected.json"), "utf8"));
  expect({ reasons: forced, environment }).toEqual(expected);
});
