import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { workerCodeSha256 } from "../../src/plan/worker-code.js";
import { testPython } from "../fixtures/python.js";

const python = fileURLToPath(new URL("../../python", import.meta.url));

function saidByWorker(folder: string): string {
  const code =
    "import sys, pathlib; from falcon_exp.worker.environment import worker_code_sha256 as f; print(f(pathlib.Path(sys.argv[1])))";
  const env = { ...process.env, PYTHONPATH: python };
  return execFileSync(testPython(), ["-c", code, folder], { env, encoding: "utf8" }).trim();
}

test("controller and worker agree on the version of the worker's code", async () => {
  expect(await workerCodeSha256(python)).toBe(saidByWorker(python));
});

test("what notebooks import is no part of the worker's code; what the worker runs is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "falcon-exp-code-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(python, "falcon_exp"), join(folder, "falcon_exp"), { recursive: true });
  const before = await workerCodeSha256(folder);
  mkdirSync(join(folder, "falcon_exp", "results", "deeper"), { recursive: true });
  writeFileSync(join(folder, "falcon_exp", "results", "deeper", "new.py"), "x = 1\n");
  expect(await workerCodeSha256(folder)).toBe(before);
  expect(saidByWorker(folder)).toBe(before);
  writeFileSync(join(folder, "falcon_exp", "worker", "new.py"), "x = 1\n");
  const after = await workerCodeSha256(folder);
  expect(after).not.toBe(before);
  expect(saidByWorker(folder)).toBe(after);
});
