/**
 * `npm run families [-- family…]`: measures tiny random models of every family in python/scripts/families.py, or only of the
 * families named, writes their rows in the tables of docs/worker.md and docs/quantization.md, and compares the bytes of each
 * load with the estimate. Takes about ten minutes for all. Exit code 1 if an estimate does not match its load to the byte.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { packageRoot } from "../src/base/program.js";
import { estimateWeights } from "../src/plan/estimate.js";
import { modelShapeSchema } from "../src/protocol/measurements.js";
import { quantizationSchema } from "../src/quantization/registry.js";
import { prepareDevPython } from "./dev-python.js";

const python = process.env.FALCON_EXP_TEST_PYTHON ?? (await prepareDevPython(packageRoot())).interpreter;
const families = process.argv.slice(2);

const weighedSchema = z.object({
  family: z.string(),
  quantization: quantizationSchema,
  dtype: z.string(),
  shape: modelShapeSchema,
  weights_bytes: z.int(),
});

/** Replaces the table of a page: all of it, or only the rows of the families named. */
function replaceRows(page: string, made: string): string {
  const table = /(<!-- families -->\n)([\s\S]*?)(<!-- end -->)/;
  const old = table.exec(page)?.[2];
  if (old === undefined) throw new Error("a page has no place for the table of families");
  const rowsOf = (text: string) => text.trimEnd().split("\n");
  const nameOf = (row: string) => row.split(" | ")[0];
  const fresh = new Map(rowsOf(made).map((row) => [nameOf(row), row]));
  const rows = families.length === 0 ? rowsOf(made) : rowsOf(old).map((row) => fresh.get(nameOf(row)) ?? row);
  return page.replace(table, (_, start: string, __, end: string) => `${start}${rows.join("\n")}\n${end}`);
}

/** Writes the table of a page. Returns the number of loads, and those whose bytes differ from the estimate. */
async function writeTable(page: string, args: readonly string[], scratch: string) {
  const weighed = join(scratch, "weighed.jsonl");
  const { stdout } = await execa(
    python,
    ["-m", "scripts.measure_families", "--weighed", weighed, ...args, ...families],
    { cwd: join(packageRoot(), "python"), stderr: "inherit" },
  );
  const path = join(packageRoot(), "docs", page);
  await writeFile(path, replaceRows(await readFile(path, "utf8"), stdout));
  const lines = (await readFile(weighed, "utf8")).trimEnd().split("\n");
  const loads = lines.map((line) => weighedSchema.parse(JSON.parse(line)));
  const wrong = loads.flatMap((load) => {
    const estimated = estimateWeights(load);
    const { family, quantization, weights_bytes } = load;
    return estimated === weights_bytes
      ? []
      : [`${family} ${JSON.stringify(quantization)}: ${weights_bytes} bytes, estimated ${estimated}`];
  });
  return { loads: loads.length, wrong };
}

const scratch = await mkdtemp(join(tmpdir(), "families-"));
try {
  const tables = [
    await writeTable("worker.md", [], scratch),
    await writeTable("quantization.md", ["--other-libraries"], scratch),
  ];
  const loads = tables.reduce((sum, table) => sum + table.loads, 0);
  const wrong = tables.flatMap((table) => table.wrong);
  process.stdout.write(`${loads - wrong.length} of ${loads} loads take what was estimated, to the byte\n`);
  for (const line of wrong) process.stdout.write(`${line}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await rm(scratch, { recursive: true });
}
