/** The examples of caches, depth, compilation and assistants, each measured by the real worker on a model with random weights. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { falconExp } from "../commands/cli.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const TINY =
  "{config: {model_type: llama, vocab_size: 384, hidden_size: 64, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2, max_position_embeddings: 8192, initializer_range: 0.2}, weights: random, seed: 3}";

async function measure(name: string, ...changes: readonly string[]) {
  const cwd = scratchFolder();
  const file = fileURLToPath(new URL(`../../experiments/${name}.yaml`, import.meta.url));
  const all = [`model=${TINY}`, "repeats=1", "rounds=1", "disturbed_retries=0", ...changes];
  const { exitCode, stdout, stderr } = await falconExp(
    ["run", file, "--json", ...all.flatMap((change) => ["--set", change])],
    { cwd },
  );
  expect(exitCode, stderr).toBe(0);
  const { run_id, configurations } = JSON.parse(stdout);
  return { configurations, folder: join(cwd, "results", name, run_id) };
}

test("cache.yaml: the quantized caches take less, and what they change is in the quality", async () => {
  const { configurations } = await measure(
    "cache",
    "matrix.dtype=float32",
    "generation.depth=256",
    "quality={texts: [english], context: 64, max_tokens: 256}",
    "prompts=[Why?]",
  );
  const [grown, fixed, four, two] = configurations;
  const bytes = configurations.map((one: { cache_bytes: { median: number } }) => one.cache_bytes.median);
  expect(bytes[0]).toBeLessThanOrEqual(bytes[1]);
  expect(bytes[2]).toBeLessThan(bytes[0] / 2);
  expect(bytes[3]).toBeLessThan(bytes[2]);
  expect(grown.estimate.kv_cache_ratio).toBeCloseTo(1, 1);
  expect(four.estimate.kv_cache_ratio).toBeCloseTo(1, 0);
  const kl = (one: typeof two) => one.quality[0].kl_divergence.mean;
  expect(kl(fixed)).toBeLessThan(1e-6);
  expect(kl(two)).toBeGreaterThan(kl(four));
  expect(kl(four)).toBeGreaterThan(1e-6);
});

test("depth.yaml: reading and answering behind so many tokens, and the chart over them", async () => {
  const { configurations, folder } = await measure(
    "depth",
    "matrix={quantization: [none], depth: [0, 300]}",
    "generation.prompt_tokens=16",
  );
  const [none, deep] = configurations;
  expect([none.depth, deep.depth]).toEqual([null, 300]);
  expect(deep.cache_bytes.median - none.cache_bytes.median).toBe(300 * 2 * 64 * 4);
  expect(deep.against_reference.sentence).toContain("after 300 cached tokens, compared with none");
  expect(existsSync(join(folder, "charts/depth.png"))).toBe(true);
});

test("compile.yaml: what is compiled is compiled in the warm-up, and its time is told apart", async () => {
  const { configurations } = await measure("compile", "prompts=[Why is the sky blue?, Why?]");
  const [plain, compiled] = configurations;
  expect(plain.compile_sec).toBeNull();
  expect(compiled.compile_sec).toBeGreaterThan(0);
  expect(compiled.trials_completed).toBe(2);
});

test("assistant.yaml: the answers stay the same, and what was drafted and accepted is told", async () => {
  const { configurations } = await measure(
    "assistant",
    `matrix={assistant_model: [none, ${TINY}], dtype: float32}`,
    "generation={max_new_tokens: 8}",
    "prompts=[Why?]",
  );
  const [alone, assisted] = configurations;
  expect(alone.accepted_draft_share).toBeNull();
  // The assistant is the model itself, so its drafts are right except where it is unsure.
  expect(assisted.accepted_draft_share.median).toBeGreaterThan(0);
  expect(assisted.against_reference.answers_equal).toBe(1);
  expect(assisted.label).toContain("assistant random llama");
});
