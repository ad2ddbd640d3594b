import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { rememberingPython } from "../fixtures/remembering-python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { falconExp } from "./cli.js";

const falcon = fileURLToPath(new URL("../../experiments/configs/falcon-40b.json", import.meta.url));
const python = rememberingPython();
const options = () => ({ env: { FALCON_EXP_PYTHON: python } });

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

test("a batch takes as many caches as it has rows, so that less context fits", async () => {
  const args = ["fit", falcon, "--memory", "48GB", "--context", "100", "--batch", "16"];
  const { stdout } = await falconExp(args, options());
  expect(stdout).toContain("total at 16 × 100 tokens");
  expect(stdout).toContain("±10 % (assumed");
  // 1.97 MB per token in each row, beside 24 GB of weights.
  expect(stdout).toMatch(/nf4 +│ +24\.00 GB │ +28\.61 GB │ +yes, 19\.39 GB to spare │ +660 │/);
});

const MIXTURE = {
  model_type: "mixtral",
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_local_experts: 8,
  vocab_size: 384,
  dtype: "bfloat16",
};

test("a mixture of experts is told as mostly unquantized, as a run of it will be", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "mixture.json"), JSON.stringify(MIXTURE));
  const args = ["fit", "./mixture.json", "--memory", "1GB"];
  const { stdout, stderr } = await falconExp(args, { ...options(), cwd: folder });
  const said = stdout.replace(/\s+/g, " ");
  for (const [name, weights] of [
    ["int8", "8-bit"],
    ["nf4-double", "4-bit"],
  ]) {
    expect(said, stderr).toContain(
      `${name}: mostly unquantized: 6 % of the matrix weights are ${weights}; experts are bfloat16`,
    );
  }
  expect(said).not.toContain("none: mostly");
});

test("files that are quantized already are told so, since a run will refuse them", async () => {
  const folder = scratchFolder();
  const stored = { ...MIXTURE, quantization_config: { quant_method: "fp8" } };
  writeFileSync(join(folder, "stored.json"), JSON.stringify(stored));
  const args = ["fit", "./stored.json", "--memory", "1GB"];
  const { stdout } = await falconExp(args, { ...options(), cwd: folder });
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "The files are already quantized (fp8), and any other method is refused",
  );
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
  expect(stderr).toContain("has no config.json");
});

test("a model of a hub that cannot be reached is told in one sentence", async () => {
  const { env } = options();
  const { stderr } = await falconExp(["fit", "gpt5", "--memory", "1GB"], {
    env: { ...env, HF_HUB_OFFLINE: "1", HF_HOME: scratchFolder() },
  });
  expect(stderr).toContain(
    "fit-model-unreadable: The model's config cannot be read: gpt5 is not in this machine's cache, and the hub cannot be reached.",
  );
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

const SMALL = { ...MIXTURE, model_type: "llama", max_position_embeddings: 128, num_local_experts: undefined };

test("fit --measure loads and generates at full size, and tells what that took beside the estimate", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "small.json"), JSON.stringify(SMALL));
  const args = [
    "fit",
    "./small.json",
    "--cpu",
    "--memory",
    "4GB",
    "--measure",
    "context",
    "--quantization",
    "none",
  ];
  const { stdout, stderr, exitCode } = await falconExp([...args, "--json"], { ...options(), cwd: folder });
  expect(exitCode, stderr).toBe(0);
  const { fits } = JSON.parse(stdout);
  expect(fits).toMatchObject([
    { quantization: "none", estimated: 128, found: { largest: 128, smallest_failed: null } },
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ memory_bytes: 4e9, context_tokens: 2048, batch_size: 1 });
  expect(Object.keys(JSON.parse(stdout))).not.toContain("memoryBytes");
  expect(fits[0].found.largest_peak_bytes).toBeGreaterThan(100e6);
  expect(stderr).toContain("none: context 128 fits");
});

test("fit says what it was not told, and which quantization there is not", async () => {
  const missing = await falconExp(["fit", falcon], options());
  expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining("memory-missing")]);
  const unknown = await falconExp(["fit", falcon, "--memory", "1GB", "--quantization", "int3"], options());
  expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining("quantization-unknown")]);
  const stored = ["fit", falcon, "--memory", "1GB", "--quantization", "as-stored"];
  const open = await falconExp(stored, options());
  expect([open.exitCode, open.stderr]).toEqual([2, expect.stringContaining("quantization-unknown")]);
  expect(open.stderr).toContain("known only after it has been loaded");
});

test("what a quantization leaves as it is depends on the dtype that is asked for", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "odd.json"), JSON.stringify({ ...SMALL, intermediate_size: 264 }));
  const asked = ["fit", "./odd.json", "--cpu", "--memory", "1GB", "--quantization", "quanto-int8", "--json"];
  const keptWith = async (dtype: string) => {
    const { stdout } = await falconExp([...asked, "--dtype", dtype], { ...options(), cwd: folder });
    return (JSON.parse(stdout).rows as { kept_remarks: string[] }[])[0]?.kept_remarks.join(" ");
  };
  expect(await keptWith("bfloat16")).toContain("kernel for quanto");
  expect(await keptWith("float32")).toBe("");
});
