import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ExitCode } from "../../src/base/exit-codes.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { scriptedPython, TINY_EXPERIMENT } from "../fixtures/started-run.js";
import { falconExp } from "./cli.js";

/** Runs an experiment with these conditions; its trials generate ten tokens per second. */
async function runWith(...conditions: readonly string[]) {
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "tiny.yaml"), TINY_EXPERIMENT);
  const failOn = conditions.flatMap((condition) => ["--fail-on", condition]);
  const result = await falconExp(["run", "tiny.yaml", "--python", scriptedPython("good"), ...failOn], {
    cwd,
  });
  return { ...result, made: readdirSync(cwd) };
}

test("a run that breaks a budget exits with 9 though it is the first, and one within it with 0", async () => {
  const broken = await runWith("decode_tokens_per_sec<50");
  expect(broken.exitCode, broken.stderr).toBe(ExitCode.regression);
  expect(broken.stderr).toContain("REGRESSION unquantized: tokens/s 10.0");
  const within = await runWith("decode_tokens_per_sec<5", "decode_tokens_per_sec<-5%");
  expect(within.exitCode, within.stderr).toBe(ExitCode.ok);
  expect(within.stderr).toContain("ok unquantized: tokens/s 10.0");
  expect(within.stderr).toContain("too few runs to tell");
});

test("a condition that is written wrong is refused before anything is measured", async () => {
  const { exitCode, stderr, made } = await runWith("decode_token_per_sec<50");
  expect(exitCode).toBe(ExitCode.usage);
  expect(stderr).toContain("Did you mean decode_tokens_per_sec?");
  expect(made).toEqual(["tiny.yaml"]);
});
