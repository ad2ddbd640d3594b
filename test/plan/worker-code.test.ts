import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { workerCodeSha256 } from "../../src/plan/worker-code.js";
import { testPython } from "../fixtures/python.js";

const python = fileURLToPath(new URL("../../python", import.meta.url));

test("controller and worker agree on the version of the worker's code", async () => {
  const code = "from falcon_exp.worker.environment import worker_code_sha256 as f; print(f())";
  const env = { ...process.env, PYTHONPATH: python };
  const said = execFileSync(testPython(), ["-c", code], { env, encoding: "utf8" }).trim();
  expect(await workerCodeSha256(python)).toBe(said);
});
