/**
 * `npm run families`: measures tiny random models of every family that python/scripts/families.py has, and writes the tables
 * into docs/worker.md and docs/quantization.md. Takes some minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { packageRoot } from "../src/base/program.js";
import { prepareDevPython } from "./dev-python.js";

const python = process.env.FALCON_EXP_TEST_PYTHON ?? (await prepareDevPython(packageRoot())).interpreter;

async function writeTable(page: string, args: readonly string[]): Promise<void> {
  const { stdout } = await execa(python, ["-m", "scripts.measure_families", ...args], {
    cwd: join(packageRoot(), "python"),
    stderr: "inherit",
  });
  const path = join(packageRoot(), "docs", page);
  const now = readFileSync(path, "utf8");
  const table = /(<!-- families -->\n)[\s\S]*?(<!-- end -->)/;
  if (!table.test(now)) throw new Error(`docs/${page} has no place for the table of families`);
  writeFileSync(
    path,
    now.replace(table, (_, start: string, end: string) => `${start}${stdout.trimEnd()}\n${end}`),
  );
}

await writeTable("worker.md", []);
await writeTable("quantization.md", ["--other-libraries"]);
