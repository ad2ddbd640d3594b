import { chmodSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";
import { pythonWithout } from "../fixtures/damaged-python.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { falconExp } from "./cli.js";

const bin = fileURLToPath(new URL("../../bin/falcon-exp.js", import.meta.url));

test("doctor says what this machine computes, and that the model comes with the first set-up", async () => {
  const env = { FALCON_EXP_HOME: join(scratchFolder(), "home") };
  const { exitCode, stdout } = await falconExp(["doctor", "--python", testPython(), "--json"], { env });
  expect(exitCode).toBe(0);
  const report = JSON.parse(stdout);
  expect(report.can_run).toBe(true);
  expect(report.devices[0]).toMatchObject({
    device: "cpu",
    dtypes: expect.arrayContaining(["float32", "bfloat16"]),
    quantization: { int8: null, fp4: null, nf4: null },
  });
  // What determines the CPU's speed, including the path that bitsandbytes really takes here.
  expect(report.machine.bitsandbytes.native_library).toMatch(/^libbitsandbytes_/);
  const findDetail = (wanted: string) =>
    report.findings.find(({ what }: { what: string }) => what === wanted)?.detail;
  expect(findDetail("kernels")).toMatch(
    /^bitsandbytes libbitsandbytes_\S+; 4-bit on the CPU: (fused|unpacked).*; int8 on the CPU: .*; torch on the CPU: /,
  );
  expect(findDetail("CPU")).toMatch(/^instruction sets \S.*; usable cores \d+.*; quota .*; NUMA nodes /);
  const model = report.findings.find(({ what }: { what: string }) => what === "embedded model");
  expect(model).toMatchObject({ ok: true, detail: "it has not been converted yet" });
});

test("doctor without any Python says what is missing, and exits with 6", async () => {
  const env = { FALCON_EXP_HOME: join(scratchFolder(), "home"), PATH: "/nonexistent" };
  const { exitCode, stdout } = await falconExp(["doctor"], { env });
  expect(exitCode).toBe(6);
  expect(stdout).toContain("problem Python");
  expect(stdout).toContain("This machine cannot run experiments yet.");
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each([
  ["bitsandbytes", "libbitsandbytes_cpu.so", "bitsandbytes cannot load its native library"],
  ["transformers", "generation/utils.py", "transformers.generation.utils"],
])("doctor sees that %s lacks %s, of which only a run would die", async (name, file, words) => {
  const env = { FALCON_EXP_HOME: join(scratchFolder(), "home") };
  const python = pythonWithout(name, file);
  const { exitCode, stdout } = await falconExp(["doctor", "--python", python, "--json"], { env });
  const finding = JSON.parse(stdout).findings.find(({ ok }: { ok: boolean }) => !ok);
  expect(finding).toMatchObject({
    what: "Python environment",
    next: expect.stringContaining("Install these"),
  });
  expect(finding.detail).toContain(words);
  expect(exitCode).toBe(6);
});

test("doctor sees that the cache folder, in which something is still to be made, cannot be written", async () => {
  // Run as another user, because root may write anywhere.
  const home = scratchFolder();
  chmodSync(home, 0o755);
  const { exitCode, stdout } = await execa(process.execPath, [bin, "doctor", "--json"], {
    uid: 65_534,
    gid: 65_534,
    cwd: "/",
    env: { FALCON_EXP_HOME: join(home, "cache"), FALCON_EXP_PYTHON: "" },
    reject: false,
  });
  const finding = JSON.parse(stdout).findings.find(({ what }: { what: string }) => what === "cache folder");
  expect(finding).toMatchObject({ ok: false, detail: expect.stringContaining("cannot be written") });
  expect(exitCode).toBe(6);
});
