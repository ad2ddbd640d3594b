/**
 * `npm run schemas` writes every file, or part of a file, that is generated from the sources: JSON Schemas, Python's types of the
 * wire format, what Python needs to know about the metrics, and tables in the documentation. `npm run schemas -- --check` writes
 * nothing and exits 1 if one of them is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { packageRoot } from "../src/base/program.js";
import { experimentJsonSchema } from "../src/experiment/json-schema.js";
import { describeMetrics } from "../src/metrics/metrics-json.js";
import { controllerMessageSchema, workerMessageSchema } from "../src/protocol/messages.js";
import { recordJsonSchema } from "../src/run/record-json-schema.js";
import { recordSchema } from "../src/run/record-types.js";
import { summaryJsonSchema } from "../src/run/summary-json-schema.js";
import { COLUMNS } from "../src/run/table/columns.js";
import { withGeneratedParts } from "./docs-tables.js";
import { wireTypes } from "./wire-types.js";

const json = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;
const wire = (schema: z.ZodType, title: string) =>
  json({ title, ...z.toJSONSchema(schema, { target: "draft-2020-12", io: "input", reused: "ref" }) });

/** The columns of the flat table, for the Python code that makes its rows. */
const describeColumns = () => COLUMNS.map(({ name, type }) => ({ name, type }));

interface Generated {
  readonly path: string;
  /** Returns what the file must contain; `now` is what it contains at present. */
  readonly make: (now: string) => string;
}

const FILES: readonly Generated[] = [
  {
    path: "python/falcon_exp/schema/controller-messages.schema.json",
    make: () => wire(controllerMessageSchema, "Messages from the controller to the worker"),
  },
  {
    path: "python/falcon_exp/schema/worker-messages.schema.json",
    make: () => wire(workerMessageSchema, "Messages from the worker to the controller"),
  },
  {
    // Inline, without references: the Python reader checks a list of numbers in one go only if it sees their type there.
    path: "python/falcon_exp/results/records.schema.json",
    make: () =>
      json({
        title: "A line of records.jsonl, its checksum taken off",
        ...z.toJSONSchema(recordSchema, { target: "draft-2020-12", io: "input" }),
      }),
  },
  { path: "python/falcon_exp/worker/wire_types.py", make: wireTypes },
  { path: "experiments/experiment.schema.json", make: () => json(experimentJsonSchema()) },
  { path: "schema/records.schema.json", make: () => json(recordJsonSchema()) },
  { path: "schema/summary.schema.json", make: () => json(summaryJsonSchema()) },
  {
    path: "python/falcon_exp/results/metrics.json",
    make: () => json({ ...describeMetrics(), columns: describeColumns() }),
  },
  ...["results", "metrics", "history", "viewing", "notebooks"].map((page) => ({
    path: `docs/${page}.md`,
    make: withGeneratedParts,
  })),
];

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
let stale = 0;
for (const { path, make } of FILES) {
  const full = join(packageRoot(), path);
  const now = readIfThere(full);
  const text = make(now);
  if (now === text) continue;
  stale += 1;
  if (values.check) {
    console.error(`${path} is stale: run \`npm run schemas\` and commit it`);
    continue;
  }
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  console.log(`wrote ${path}`);
}
process.exitCode = values.check && stale > 0 ? 1 : 0;

/** The text of a file; empty if the file does not exist yet. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
