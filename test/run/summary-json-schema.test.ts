import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { z } from "zod";
import { writeSummary } from "../../src/render/words/summary.js";
import { groupRecords } from "../../src/run/run-data.js";
import { summaryJsonSchema } from "../../src/run/summary-json-schema.js";
import { summarySchema } from "../../src/run/summary-schema.js";
import { scoredRun } from "../fixtures/quality.js";

const ajv = new Ajv2020({ strict: false, formats: { "date-time": true } });

test("a summary that is written has every key of the schema and no other", () => {
  const validate = ajv.compile(z.toJSONSchema(summarySchema, { target: "draft-2020-12", io: "output" }));
  for (const device of ["cpu", "cuda"] as const) {
    const summary = writeSummary(groupRecords(scoredRun({ device }), "records.jsonl"));
    expect(validate(summary), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
    expect(validate({ ...summary, rumour: 1 })).toBe(false);
    const { drift: _, ...without } = summary;
    expect(validate(without)).toBe(false);
  }
});

test("the kept runs' summaries hold by the published schema, and one that tells no status does not", () => {
  const validate = ajv.compile(summaryJsonSchema());
  const examples = fileURLToPath(new URL("../../results/example/", import.meta.url));
  const files = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith("summary.json"),
  );
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    const summary = JSON.parse(readFileSync(join(examples, file), "utf8"));
    expect(validate(summary), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
    const { status: _, ...without } = summary;
    expect(validate(without)).toBe(false);
  }
});
