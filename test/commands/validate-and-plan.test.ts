import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { falconExp } from "./cli.js";

const folder = mkdtempSync(join(tmpdir(), "falcon-exp-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// There is no Python here, because these commands must not need one.
const options = { cwd: folder, env: { PATH: "/nonexistent", FALCON_EXP_HOME: join(folder, "none") } };

function file(name: string, ...lines: string[]): string {
  writeFileSync(
    join(folder, name),
    ["name: x", "model: smollm2-135m-instruct", "prompts: [a]", ...lines, ""].join("\n"),
  );
  return name;
}

test("validate says that a good file is good", async () => {
  const { exitCode, stdout } = await falconExp(["validate", file("good.yaml")], options);
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: "valid: good.yaml (1 configuration, 1 trial)\n",
  });
});

test("validate shows a mistake as file:line:column with its line, and exits with 3", async () => {
  const { exitCode, stderr, stdout } = await falconExp(["validate", file("bad.yaml", "warmups: 2")], options);
  expect(exitCode).toBe(3);
  expect(stdout).toBe("");
  expect(stderr).toContain("bad.yaml:4:1: error experiment-unknown-key");
  expect(stderr).toContain("next: Did you mean warmup?");
});

test("validate --json puts the problems on stdout", async () => {
  const { exitCode, stdout } = await falconExp(
    ["validate", file("bad2.yaml", "warmup: x"), "--json"],
    options,
  );
  expect(exitCode).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    valid: false,
    problems: [{ code: "experiment-invalid-value", file: "bad2.yaml", line: 4, column: 9 }],
  });
});

test("plan shows each configuration and marks the reference", async () => {
  const name = file("plan.yaml", "matrix: {quantization: [none, fp4]}");
  const { exitCode, stdout } = await falconExp(["plan", name], options);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("2 configurations × 1 prompt × 1 repeat = 2 trials");
  expect(stdout).toContain("none (reference)");
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("plan --json is the plan and nothing else", async () => {
  const name = file("plan2.yaml");
  const { stdout, stderr } = await falconExp(["plan", name, "--json", "--set", "repeats=2"], options);
  const plan = JSON.parse(stdout);
  expect(Object.keys(plan)).toEqual(["header", "configurations", "blocks", "trials", "texts"]);
  expect(plan.trials).toHaveLength(2);
  expect(stderr).toBe("");
});

test("an unknown command and an unknown option exit with 2", async () => {
  expect((await falconExp(["measure"], options)).exitCode).toBe(2);
  expect((await falconExp(["plan", file("u.yaml"), "--sett", "a=1"], options)).exitCode).toBe(2);
});
