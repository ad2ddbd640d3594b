import fc from "fast-check";
import { expect, test } from "vitest";
import { type EstimateInput, estimate, estimateWeights, longestContext } from "../../src/plan/estimate.js";
import type { ModelShape } from "../../src/protocol/measurements.js";
import { type Quantization, resolveQuantization } from "../../src/quantization/registry.js";
import { QUANTIZATIONS, SMOLLM2 } from "../fixtures/records.js";

/** Two layers of 128 × 64, one of 64 × 256, and 1,000 other parameters. */
const TOY: ModelShape = {
  model_type: "toy",
  dtype: "bfloat16",
  parameters: 33_768,
  quantizable_layers: [
    { in_features: 128, out_features: 64, count: 2 },
    { in_features: 64, out_features: 256, count: 1 },
  ],
  matrix_kinds: null,
  stored_quantization: null,
  expanded_from: null,
  other_parameters: 1000,
  buffer_bytes: 8,
  kv_elements_per_token: 32,
  cache: null,
  layers: 1,
  hidden_size: 64,
  intermediate_size: 256,
  vocabulary: 100,
  context_tokens: 50,
};
const quantization = (name: string) => QUANTIZATIONS[name] as Quantization;
const countWeights = (name: string, dtype = "auto") =>
  estimateWeights({ shape: TOY, quantization: quantization(name), dtype });

test("weights are counted part by part", () => {
  const rest = 1000 * 2 + 8;
  // 2 × 8,192 + 16,384 = 32,768 weights in 2 × 64 + 256 rows, 512 blocks of 64.
  expect(countWeights("none")).toBe(32_768 * 2 + rest);
  expect(countWeights("none", "float32")).toBe(32_768 * 4 + 1000 * 4 + 8);
  expect(countWeights("int8")).toBe(32_768 + 384 * 4 + rest);
  // Half a byte per weight, 4 bytes per block, 16 values of 4 bytes per layer.
  expect(countWeights("fp4")).toBe(16_384 + 512 * 4 + 3 * 64 + rest);
  // One byte per block; per layer one constant for each 256 blocks (1, 1 and 1), a table of 256 and an offset, 4 bytes each.
  expect(countWeights("nf4-nested")).toBe(16_384 + 512 + 3 * 64 + 3 * (1 + 256 + 1) * 4 + rest);
});

test.each([
  ["torchao-int8", 163_639_552],
  ["torchao-float8", 163_484_032],
  ["quanto-int8", 163_174_672],
  ["quanto-float8", 163_174_672],
  ["quanto-int4", 113_926_672],
])("%s of SmolLM2 in bfloat16 takes what was measured, to the byte", (word, measured) => {
  const input = { shape: SMOLLM2, quantization: resolveQuantization(word), dtype: "bfloat16" };
  expect(estimateWeights(input)).toBe(measured);
});

test("cache, activations and context are parts of their own", () => {
  const input: EstimateInput = {
    shape: TOY,
    quantization: quantization("fp4"),
    dtype: "auto",
    tokens: 10,
    device: "cuda",
  };
  const parts = estimate(input);
  expect(parts.kv_cache_bytes).toBe(10 * 32 * 2);
  // Logits: 100 × (2 + 4); the widest layer, unpacked: 64 × 256 × 2; and ten tokens of (4 × 64 + 2 × 256) × 2 each.
  expect(parts.activation_bytes).toBe(600 + 32_768 + 10 * 1536);
  expect(parts.cuda_context_bytes).toBe(600_000_000);
  expect(parts.total_bytes).toBe(parts.allocated_bytes + 600_000_000);
  const onCpu = estimate({ ...input, device: "cpu", processBytes: 5_000 });
  expect(onCpu.cuda_context_bytes).toBe(0);
  // On the CPU, the memory of the whole process is measured.
  expect(onCpu.total_bytes).toBe(onCpu.allocated_bytes + 5_000);
  expect(parts.process_bytes).toBe(0);
});

test("rows of a batch share the weights: their cache, activations and logits are each their own", () => {
  const of = (batch: number) =>
    estimate({
      shape: { ...TOY, cache: { elements_per_token: 8, windows: [], fixed_elements: 100, fixed_bytes: 400 } },
      quantization: quantization("fp4"),
      dtype: "auto",
      tokens: 10,
      batch,
      device: "cpu",
    });
  expect(of(4).weights_bytes).toBe(of(1).weights_bytes);
  expect(of(4).kv_cache_bytes).toBe(4 * of(1).kv_cache_bytes);
  // The widest layer is unpacked only once for all rows.
  expect(of(4).activation_bytes).toBe(4 * (of(1).activation_bytes - 32_768) + 32_768);
});

test("a window is full at some time, and recurrent states take the same for any tokens", () => {
  const cache = {
    elements_per_token: 8,
    windows: [{ tokens: 4, elements_per_token: 16 }],
    fixed_elements: 100,
    fixed_bytes: 400,
  };
  const input = {
    shape: { ...TOY, cache },
    quantization: quantization("none"),
    dtype: "auto",
    device: "cpu",
  } as const;
  const cacheOf = (tokens: number) => estimate({ ...input, tokens }).kv_cache_bytes;
  expect(cacheOf(0)).toBe(600);
  expect(cacheOf(3)).toBe(600 + 3 * (8 + 16) * 2);
  expect(cacheOf(10)).toBe(600 + (10 * 8 + 4 * 16) * 2);
  // The recurrent states keep their own dtype.
  expect(estimate({ ...input, dtype: "float32", tokens: 0 }).kv_cache_bytes).toBe(800);
});

test.each([
  ["none", 269_030_272],
  ["int8", 163_484_032],
  ["fp4", 116_426_752],
  ["nf4", 116_426_752],
  ["nf4-nested", 111_692_152],
])("the embedded model's %s weights are those that a run on it measured, to the byte", (name, measured) => {
  expect(estimateWeights({ shape: SMOLLM2, quantization: quantization(name), dtype: "bfloat16" })).toBe(
    measured,
  );
});

const anyInput = fc.record({
  shape: fc.constantFrom(TOY, {
    ...TOY,
    cache: {
      elements_per_token: 0,
      windows: [{ tokens: 7, elements_per_token: 64 }],
      fixed_elements: 3,
      fixed_bytes: 9,
    },
  }),
  quantization: fc.constantFrom(...Object.values(QUANTIZATIONS)),
  dtype: fc.constantFrom("auto", "float32", "bfloat16"),
  device: fc.constantFrom("cpu" as const, "cuda" as const),
});

test("more tokens never take less memory, and no quantization takes more than none", () => {
  fc.assert(
    fc.property(anyInput, fc.nat(1e6), fc.nat(1e6), (input, a, b) => {
      const [fewer, more] = [Math.min(a, b), Math.max(a, b)];
      expect(estimate({ ...input, tokens: fewer }).total_bytes).toBeLessThanOrEqual(
        estimate({ ...input, tokens: more }).total_bytes,
      );
      expect(estimateWeights(input)).toBeLessThanOrEqual(
        estimateWeights({ ...input, quantization: { method: "none" } }),
      );
    }),
  );
});

test("the longest context fits, and one token more does not, unless the model ends there", () => {
  fc.assert(
    fc.property(anyInput, fc.integer({ min: 1, max: 2_000_000_000 }), (input, memory) => {
      const longest = longestContext(input, memory);
      if (longest === null) {
        expect(estimate({ ...input, tokens: 1 }).total_bytes).toBeGreaterThan(memory);
        return;
      }
      expect(estimate({ ...input, tokens: longest }).total_bytes).toBeLessThanOrEqual(memory);
      if (longest < 50) {
        expect(estimate({ ...input, tokens: longest + 1 }).total_bytes).toBeGreaterThan(memory);
      } else expect(longest).toBe(50);
    }),
  );
});
