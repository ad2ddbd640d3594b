import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asCalled, findProgramName } from "../../src/base/as-called.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const SCRIPT = "/lab/node_modules/falcon-exp/bin/falcon-exp.js";

test("a hint names the program as npm runs it, as a shell finds it, or by Node and the script's path", () => {
  const bin = scratchFolder();
  writeFileSync(join(bin, "falcon-exp"), "");
  chmodSync(join(bin, "falcon-exp"), 0o755);
  const name = (env: Record<string, string>, script = SCRIPT) =>
    findProgramName({ env, script, cwd: "/lab" });
  expect(name({ PATH: bin })).toBe("falcon-exp");
  expect(name({ PATH: bin, npm_command: "exec" })).toBe("npx falcon-exp");
  expect(name({ PATH: "/lab/node_modules/.bin", npm_command: "run-script" })).toBe("npx falcon-exp");
  expect(name({}, "/lab/node_modules/.bin/falcon-exp")).toBe("npx falcon-exp");
  expect(name({ PATH: "/nowhere" })).toBe("node node_modules/falcon-exp/bin/falcon-exp.js");
  expect(name({}, "/other place/bin/falcon-exp.js")).toBe('node "/other place/bin/falcon-exp.js"');
  expect(name({ PATH: bin, FALCON_EXP_COMMAND: "apptainer run lab.sif" })).toBe("apptainer run lab.sif");
});

test("only calls are renamed: neither the program's name nor a path", () => {
  const text = "Run `falcon-exp doctor`; falcon-exp 0.1 lies in ~/falcon-exp run. falcon-exp's own.";
  expect(asCalled(text, "npx falcon-exp")).toBe(
    "Run `npx falcon-exp doctor`; falcon-exp 0.1 lies in ~/falcon-exp run. falcon-exp's own.",
  );
});
