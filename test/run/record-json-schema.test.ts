import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { recordJsonSchema } from "../../src/run/record-json-schema.js";
import { RecordWriter } from "../../src/run/writer.js";
import { scoredRun } from "../fixtures/quality.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const validate = new Ajv2020({ strict: false, formats: { "date-time": true } }).compile(recordJsonSchema());

test("every line that is written holds by the published schema, its checksum included", async () => {
  const path = join(scratchFolder(), "records.jsonl");
  const writer = await RecordWriter.open(path);
  for (const record of scoredRun({ device: "cuda" })) await writer.append(record);
  await writer.close();
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) {
    const value = JSON.parse(line);
    expect(value.crc32).toMatch(/^[0-9a-f]{8}$/);
    expect(validate(value), `${line.slice(0, 200)} ${JSON.stringify(validate.errors?.slice(0, 3))}`).toBe(
      true,
    );
  }
});

test("so does every line of the kept runs, which lack what came later", () => {
  const examples = fileURLToPath(new URL("../../results/example/", import.meta.url));
  const files = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith("records.jsonl"),
  );
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    for (const line of readFileSync(join(examples, file), "utf8").trimEnd().split("\n")) {
      expect(validate(JSON.parse(line)), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
    }
  }
});

test.each([{ unknown: 1 }, { schema_version: 999 }, { at: "yesterday" }, { kind: "rumour" }])(
  "a line with %o does not",
  (change) => {
    const [run] = scoredRun();
    expect(validate(run)).toBe(true);
    expect(validate({ ...run, ...change })).toBe(false);
  },
);
