import { expect, test } from "vitest";
import { describeAdapter } from "../../../src/render/words/adapter.js";
import { describePrepared } from "../../../src/render/words/prepared.js";
import { describeStoredQuantization } from "../../../src/render/words/quantized-share.js";
import { loadMeasurement, SMOLLM2 } from "../../fixtures/records.js";

const { proof } = loadMeasurement({ id: "none" }, "cpu");

test("an adapter beside the weights is told with its modules, bytes and dtype", () => {
  expect(describeAdapter(proof)).toBeNull();
  const adapter = {
    type: "LORA",
    modules: 60,
    parameters: 460_800,
    bytes: 921_600,
    dtype: "bfloat16",
    active: true,
  };
  expect(describeAdapter({ ...proof, adapter })).toBe("LORA on 60 modules, 0.9 MB in bfloat16");
});

test("a merged adapter is told, and how many modules it left as they were", () => {
  const merged = { kind: "merged-adapter", type: "LORA", modules: 60 } as const;
  expect(describePrepared([{ ...merged, changed_modules: 60 }])).toEqual([
    "an adapter was merged into the weights of 60 modules before they were loaded",
  ]);
  expect(describePrepared([{ ...merged, changed_modules: 58 }])[0]).toContain("; 2 of them did not change");
  expect(describePrepared([])).toEqual([]);
});

test("what was packed in a GGUF file is never told as an original in 16 bits; what was not packed is", () => {
  const gguf = { kind: "gguf", dtype: "bfloat16", file_bytes: 98_000_000 } as const;
  expect(
    describePrepared([{ ...gguf, weights_by_type: { Q4_1: 106_000_000, Q8_0: 28_000_000, F32: 300 } }]),
  ).toEqual([
    "the weights were Q4_1 and Q8_0 in the GGUF file of 98 MB; Transformers expanded them to bfloat16, so they are not the 16-bit original",
  ]);
  expect(describePrepared([{ ...gguf, weights_by_type: { BF16: 134_000_000, F32: 300 } }])).toEqual([
    "the weights are those of the GGUF file of 98 MB, in bfloat16",
  ]);
});

test("an estimate of a GGUF file says that it is for the expanded model", () => {
  expect(describeStoredQuantization({ ...SMOLLM2, expanded_from: ["Q4_K", "F32"] })).toBe(
    "The GGUF file holds its weights as Q4_K, F32; Transformers expands them to bfloat16 before anything is loaded or quantized: these figures are for that.",
  );
});
