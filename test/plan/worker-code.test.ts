import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { workerCodeSha256 } from "../../src/plan/worker-code.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const python = fileURLToPath(new URL("../../python", import.meta.url));

/** What the worker says of each of these folders. One process answers for all of them, because it imports torch first. */
function saidByWorker(...folders: readonly string[]): readonly string[] {
  const code =
    "import sys, pathlib; from falcon_exp.worker.environment import worker_code_sha256 as f; print(*(f(pathlib.Path(one)) for one in sys.argv[1:]))";
  const env = { ...process.env, PYTHONPATH: python };
  return execFileSync(testPython(), ["-c", code, ...folders], { env, encoding: "utf8" })
    .trim()
    .split(" ");
}

test("controller and worker agree on the version of the worker's code; what notebooks import is no part of it, what the worker runs is", async () => {
  const scratch = scratchFolder();
  const [more, changed] = [join(scratch, "more"), join(scratch, "changed")];
  for (const folder of [more, changed]) {
    cpSync(join(python, "falcon_exp"), join(folder, "falcon_exp"), { recursive: true });
    mkdirSync(join(folder, "falcon_exp", "results", "deeper"), { recursive: true });
    writeFileSync(join(folder, "falcon_exp", "results", "deeper", "new.py"), "x = 1\n");
  }
  writeFileSync(join(changed, "falcon_exp", "worker", "new.py"), "x = 1\n");

  const own = await workerCodeSha256(python);
  expect(await workerCodeSha256(more)).toBe(own);
  const after = await workerCodeSha256(changed);
  expect(after).not.toBe(own);
  expect(saidByWorker(python, more, changed)).toEqual([own, own, after]);
});
