import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { testPython } from "../fixtures/python.js";
import { falconExp } from "./cli.js";

const falcon = fileURLToPath(new URL("../../experiments/configs/falcon-40b.json", import.meta.url));
const options = () => ({ env: { FALCON_EXP_PYTHON: testPython() } });

interface Row {
  readonly quantization: string;
  readonly weights_bytes: number;
  readonly allocated_bytes: number;
  readonly fits: boolean;
  readonly longest_context_tokens: number | null;
}

test("Falcon-40B is estimated within 10 % of what the article measured: 26 GB in 4-bit, 42 GB in 8-bit", async () => {
  const args = ["fit", falcon, "--memory", "48GB", "--context", "100", "--json"];
  const { stdout, exitCode } = await falconExp(args, options());
  expect(exitCode).toBe(0);
  const { rows, shape } = JSON.parse(stdout) as { rows: Row[]; shape: { parameters: number } };
  const allocated = (name: string) =>
    rows.find(({ quantization }) => quantization === name)?.allocated_bytes ?? 0;
  expect(shape.parameters).toBe(41_303_293_952);
  expect(Math.abs(allocated("fp4") / 26e9 - 1)).toBeLessThan(0.1);
  expect(Math.abs(allocated("int8") / 42e9 - 1)).toBeLessThan(0.1);
  expect(rows.map(({ fits }) => fits)).toEqual([false, true, true, true, true]);
  expect(rows[0]?.longest_context_tokens).toBeNull();
  expect(rows[1]?.longest_context_tokens).toBe(2048);
});

test("what fits nowhere exits with a code of its own", async () => {
  const { exitCode, stdout } = await falconExp(["fit", falcon, "--memory", "1GB"], options());
  expect(exitCode).toBe(8);
  expect(stdout).toContain("41.30 billion parameters");
});

test("an amount of memory that is none is refused before anything is started", async () => {
  const { exitCode, stderr } = await falconExp(["fit", falcon, "--memory", "much"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("memory-invalid");
});

test("a model whose config cannot be read is an error with its reason", async () => {
  const { exitCode, stderr } = await falconExp(["fit", "/nowhere/model", "--memory", "1GB"], options());
  expect(exitCode).toBe(2);
  expect(stderr).toContain("fit-model-unreadable");
  expect(stderr).toContain("holds no config.json");
});

test("plan --estimate gives every configuration's parts and says whether it fits", async () => {
  const tiny = fileURLToPath(new URL("../../experiments/falcon-tiny.yaml", import.meta.url));
  const args = ["plan", tiny, "--estimate", "--memory", "1GB", "--memory", "1MB"];
  const { stdout, exitCode } = await falconExp(args, options());
  expect(exitCode).toBe(0);
  expect(stdout).toContain("fits");
  expect(stdout).toContain("too large");
  const json = await falconExp([...args, "--json"], options());
  const { estimates } = JSON.parse(json.stdout) as { estimates: { estimate: { weights_bytes: number } }[] };
  const weights = estimates.map(({ estimate }) => estimate.weights_bytes);
  expect(weights).toEqual(weights.toSorted((a, b) => b - a));
});
