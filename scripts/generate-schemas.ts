/**
 * `npm run schemas` writes every JSON Schema that is generated from a zod source; `npm run schemas -- --check` writes
 * nothing and exits 1 when a checked-in file is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { packageRoot } from "../src/base/package-root.js";
import { controllerMessageSchema, workerMessageSchema } from "../src/protocol/messages.js";
import { recordSchema } from "../src/results/record-types.js";
import { experimentJsonSchema } from "../src/spec/json-schema.js";

const wire = (schema: z.ZodType, title: string) => ({
  title,
  ...z.toJSONSchema(schema, { target: "draft-2020-12", io: "input", reused: "ref" }),
});

const FILES: readonly { readonly path: string; readonly schema: () => object }[] = [
  {
    path: "python/falcon_exp/schema/controller-messages.schema.json",
    schema: () => wire(controllerMessageSchema, "Messages from the controller to the worker"),
  },
  {
    path: "python/falcon_exp/schema/worker-messages.schema.json",
    schema: () => wire(workerMessageSchema, "Messages from the worker to the controller"),
  },
  {
    // In line, without references: the Python reader looks at a list of numbers in one go only where it sees their type.
    path: "python/falcon_exp/results/records.schema.json",
    schema: () => ({
      title: "A line of records.jsonl",
      ...z.toJSONSchema(recordSchema, { target: "draft-2020-12", io: "input" }),
    }),
  },
  { path: "experiments/experiment.schema.json", schema: experimentJsonSchema },
];

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
let stale = 0;
for (const { path, schema } of FILES) {
  const full = join(packageRoot(), path);
  const text = `${JSON.stringify(schema(), null, 2)}\n`;
  if (readIfThere(full) === text) continue;
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

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
