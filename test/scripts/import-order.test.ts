import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";
import { scratchFolder } from "../fixtures/run-folder.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Returns what the import rule reports about a tree of sources. */
async function violations(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = scratchFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const args = ["--config", join(root, ".dependency-cruiser.cjs"), "src"];
  const { stdout } = await execa("depcruise", args, {
    cwd: folder,
    preferLocal: true,
    localDir: root,
    reject: false,
  });
  return stdout;
}

test("an import from left to right is refused, also of a type alone", async () => {
  const said = await violations({
    "src/base/a.ts": 'import type { B } from "../plan/b.js";\nexport type A = B;\n',
    "src/plan/b.ts": "export type B = string;\n",
    "src/experiment/c.ts": 'import { run } from "../commands/run.js";\nexport const c = run;\n',
    "src/commands/run.ts": "export const run = 1;\n",
  });
  expect(said).toContain("base-imports-left-only: src/base/a.ts → src/plan/b.ts");
  expect(said).toContain("experiment-imports-left-only: src/experiment/c.ts → src/commands/run.ts");
});

test("folders on the same step may not import each other", async () => {
  const said = await violations({
    "src/worker/a.ts": 'import { b } from "../python-env/b.js";\nexport const a = b;\n',
    "src/python-env/b.ts": "export const b = 1;\n",
  });
  expect(said).toContain("worker-imports-left-only: src/worker/a.ts → src/python-env/b.ts");
});

test("an import from right to left is taken", async () => {
  const said = await violations({
    "src/analysis/a.ts": 'import type { B } from "../base/b.js";\nexport type A = B;\n',
    "src/base/b.ts": "export type B = string;\n",
  });
  expect(said).toContain("no dependency violations found (2 modules");
});

test("analysis that makes text for people is refused", async () => {
  const said = await violations({
    "src/analysis/history/a.ts":
      'import { pluralize } from "../../base/text.js";\nexport const a = pluralize;\n',
    "src/analysis/b.ts": 'import { BYTES_PER_GB } from "../base/units.js";\nexport const b = BYTES_PER_GB;\n',
    "src/base/text.ts": "export const pluralize = 1;\n",
    "src/base/units.ts": "export const BYTES_PER_GB = 1e9;\n",
  });
  expect(said).toContain("analysis-has-no-words: src/analysis/history/a.ts → src/base/text.ts");
  expect(said).toContain("analysis-has-no-words: src/analysis/b.ts → src/base/units.ts");
});

test("two folders inside one that need each other are refused, though no file needs itself", async () => {
  const said = await violations({
    "src/render/charts/a.ts": 'import { b } from "../words/b.js";\nexport const a = b;\n',
    "src/render/words/b.ts": "export const b = 1;\n",
    "src/render/words/c.ts": 'import { d } from "../charts/d.js";\nexport const c = d;\n',
    "src/render/charts/d.ts": "export const d = 1;\n",
  });
  expect(said).toContain("no-folder-cycles");
});

test("a circle, a folder without a place and an import that leads nowhere are refused", async () => {
  const said = await violations({
    "src/base/a.ts": 'import { b } from "./b.js";\nexport const a = () => b;\n',
    "src/base/b.ts": 'import { a } from "./a.js";\nexport const b = () => a;\n',
    "src/base/c.ts":
      'import { x } from "../utils/x.js";\nimport { y } from "./nowhere.js";\nexport const c = [x, y];\n',
    "src/utils/x.ts": "export const x = 1;\n",
  });
  expect(said).toContain("no-cycles");
  expect(said).toContain("known-folders: src/base/c.ts → src/utils/x.ts");
  expect(said).toContain("no-unresolvable: src/base/c.ts");
});

test("a tool of developers is refused, what is bundled or installed with the program is taken", async () => {
  const packages = ["vitest", "zod", "zeromq"];
  const said = await violations({
    "package.json": JSON.stringify({
      devDependencies: { vitest: "1", zod: "1" },
      dependencies: { zeromq: "1" },
    }),
    ...Object.fromEntries(
      packages.flatMap((name) => [
        [`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", main: "index.js" })],
        [`node_modules/${name}/index.js`, "module.exports = {};\n"],
      ]),
    ),
    "src/base/a.ts": packages.map((name, index) => `export * as a${index} from "${name}";\n`).join(""),
  });
  expect(said).toContain("no-dev-dependencies: src/base/a.ts → node_modules/vitest/index.js");
  expect(said).toContain("1 dependency violations (1 errors");
});
