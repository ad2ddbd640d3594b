/**
 * `npm run families`: measures tiny random models of every family that python/scripts/families.py has, and writes the table into
 * docs/worker.md. Takes some minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { packageRoot } from "../src/base/program.js";
import { prepareDevPython } from "./dev-python.js";

const page = join(packageRoot(), "docs", "worker.md");
const python = process.env.FALCON_EXP_TEST_PYTHON ?? (await prepareDevPython(packageRoot())).interpreter;
const { stdout } = await execa(python, ["-m", "scripts.measure_families"], {
  cwd: join(packageRoot(), "python"),
  stderr: "inherit",
});
const now = readFileSync(page, "utf8");
const table = /(<!-- families -->\n)[\s\S]*?(<!-- end -->)/;
if (!table.test(now)) throw new Error("docs/worker.md has no place for the table of families");
writeFileSync(
  page,
  now.replace(table, (_, start: string, end: string) => `${start}${stdout.trimEnd()}\n${end}`),
);
