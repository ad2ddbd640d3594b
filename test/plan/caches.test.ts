/** How a cache's kind and depth affect the memory estimate, and what is left out once a configuration ran out of memory. */
import { expect, test } from "vitest";
import { findExtras } from "../../src/commands/find-extras.js";
import { countUnquantizedTokens, type EstimateInput, estimate } from "../../src/plan/estimate.js";
import { mustRunOutOfMemory } from "../../src/plan/oom-pruning.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { SMOLLM2 } from "../fixtures/records.js";

const QUANTIZED = { type: "quantized", backend: "quanto", bits: 4, group: 64 } as const;
const INPUT: EstimateInput = {
  shape: SMOLLM2,
  quantization: { method: "none" },
  dtype: "bfloat16",
  tokens: 4096,
  device: "cpu",
};

test("a quantized cache is estimated at its bits, with a scale and a shift for each group", () => {
  const plain = estimate(INPUT).kv_cache_bytes;
  const quantized = estimate({ ...INPUT, cache: QUANTIZED }).kv_cache_bytes;
  expect(quantized / plain).toBeCloseTo((0.5 + 4 / 64) / 2, 1);
  expect(quantized / plain).toBeGreaterThan((0.5 + 4 / 64) / 2);
  expect(estimate({ ...INPUT, cache: { type: "static" } }).kv_cache_bytes).toBe(plain);
});

test("of a quantized cache the first of its tokens are packed at once, and the newest when there are 128", () => {
  expect(countUnquantizedTokens({ depth: 0, prompt: 500, answer: 16 })).toBe(15);
  expect(countUnquantizedTokens({ depth: 1024, prompt: 20, answer: 16 })).toBe(35);
  expect(countUnquantizedTokens({ depth: 1024, prompt: 300, answer: 129 })).toBe(0);
  // A depth is read 2,048 tokens at a time, and its last part may be smaller than what is packed.
  expect(countUnquantizedTokens({ depth: 2048, prompt: 20, answer: 16 })).toBe(35);
  expect(countUnquantizedTokens({ depth: 2148, prompt: 20, answer: 6 })).toBe(125);
  expect(countUnquantizedTokens({ depth: 2148, prompt: 28, answer: 6 })).toBe(5);
  expect(countUnquantizedTokens({ depth: 2248, prompt: 28, answer: 6 })).toBe(33);
});

test("a static cache takes the memory of its whole room, however short the answers are", () => {
  const cache = { type: "static" } as const;
  const plain = estimate({ ...INPUT, tokens: 1024 }).kv_cache_bytes;
  expect(estimate({ ...INPUT, tokens: 256, cache, roomTokens: 1024 }).kv_cache_bytes).toBe(plain);
  expect(estimate({ ...INPUT, tokens: 1024, roomTokens: 4096 }).kv_cache_bytes).toBe(plain);
});

test("out-of-memory implies the same kind of cache at least as deep, and no other kind", async () => {
  const { configurations } = await planExperiment(
    minimal("matrix: {cache: [auto, static], depth: [0, 1024, 4096]}"),
  );
  const failed = configurations[1];
  const implied = configurations.map(
    (one) => failed !== undefined && mustRunOutOfMemory(failed, one, "tokens", "out-of-memory-host"),
  );
  expect(implied).toEqual([false, true, true, false, false, false]);
});

test("a cache that quanto quantizes has it installed", async () => {
  expect(await findExtras(await planExperiment(minimal("generation: {cache: quantized}")))).toEqual([
    "quanto",
  ]);
  expect(await findExtras(await planExperiment(minimal("generation: {cache: {backend: hqq}}")))).toEqual([]);
});
