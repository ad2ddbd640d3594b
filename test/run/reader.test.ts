import { expect, test } from "vitest";
import { parseRecords } from "../../src/run/reader.js";
import { collectErrors } from "../fixtures/experiments.js";

test("a line of a newer version is refused, and its place named", async () => {
  const [error] = await collectErrors(async () =>
    parseRecords(Buffer.from('\n{"schema_version":2,"kind":"trial"}\n'), "records.jsonl"),
  );
  expect(error).toMatchObject({ code: "results-schema-newer", exitCode: 7 });
  expect(error?.message).toContain("records.jsonl:2 has schema version 2; this falcon-exp reads up to 1");
});

test.each([
  "null",
  "7",
  "[]",
  "{}",
  '{"schema_version":"2"}',
  '{"schema_version":0}',
  '{"schema_version":0.5}',
])("%s is no record, and left out with a warning", (line) => {
  const { records, warnings } = parseRecords(Buffer.from(`${line}\n`), "records.jsonl");
  expect(records).toEqual([]);
  expect(warnings).toEqual([
    { line: 1, message: expect.stringMatching(/^breaks the record schema: [^✖]*: left out$/) },
  ]);
});
