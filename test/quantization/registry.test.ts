import { expect, test } from "vitest";
import {
  type Checkpoint,
  canEstimate,
  computeOrderingBits,
  describeQuantization,
  estimateLayerBytes,
  findStoredExtra,
  findWordsMeant,
  isQuantized,
  listFittedQuantizations,
  listMethodExtras,
  METHOD_NAMES,
  type Quantization,
  quantizationInputSchema,
  quantizationMatchSchema,
  quantizationSchema,
  resolveQuantization,
  resolveQuantizationMatch,
  withCheckpoint,
} from "../../src/quantization/registry.js";

/** What an experiment file may say, what the worker is then asked for, and its short text. */
const WRITTEN: readonly (readonly [unknown, Quantization, string])[] = [
  ["none", { method: "none" }, "none"],
  [{ method: "none" }, { method: "none" }, "none"],
  ["int8", { method: "int8", threshold: 6, skip_modules: null }, "int8"],
  [
    { method: "int8", threshold: 0, skip_modules: ["router"] },
    { method: "int8", threshold: 0, skip_modules: ["router"] },
    "int8-threshold-0-skip-router",
  ],
  [
    "fp4",
    { method: "4bit", type: "fp4", double_quant: false, compute_dtype: "auto", skip_modules: null },
    "fp4",
  ],
  [
    { type: "nf4", double_quant: true, compute_dtype: "fp16" },
    { method: "4bit", type: "nf4", double_quant: true, compute_dtype: "float16", skip_modules: null },
    "nf4-double-compute-float16",
  ],
  ["torchao-int8", { method: "torchao", type: "int8", skip_modules: null }, "torchao-int8"],
  [
    { method: "torchao", type: "int8-dynamic", skip_modules: ["q_proj"] },
    { method: "torchao", type: "int8-dynamic", skip_modules: ["q_proj"] },
    "torchao-int8-dynamic-skip-q_proj",
  ],
  ["quanto-int4", { method: "quanto", type: "int4", skip_modules: null }, "quanto-int4"],
  ["fp8", { method: "fp8", skip_modules: null }, "fp8"],
  ["as-stored", { method: "as-stored", checkpoint: null }, "as-stored"],
];

test.each(WRITTEN)(
  "%j is filled in with every default, and goes over the wire as it is",
  (written, filled, text) => {
    const resolved = resolveQuantization(quantizationInputSchema.parse(written));
    expect(resolved).toEqual(filled);
    expect(quantizationSchema.parse(resolved)).toEqual(filled);
    expect(describeQuantization(resolved)).toBe(text);
  },
);

test.each([
  ["nf4", { method: "4bit", type: "nf4" }],
  ["none", { method: "none" }],
  [{ compute_dtype: "bf16" }, { compute_dtype: "bfloat16" }],
  [
    { double_quant: true, skip_modules: ["head"] },
    { double_quant: true, skip_modules: ["head"] },
  ],
])("as a pattern, %j asks for no more than it names", (written, asked) => {
  expect(resolveQuantizationMatch(quantizationMatchSchema.parse(written))).toEqual(asked);
});

test.each([{ type: "int4" }, { method: "4bit" }, { method: "int8", type: "nf4" }, "int4", 4])(
  "%j is no quantization",
  (written) => {
    expect(quantizationInputSchema.safeParse(written).success).toBe(false);
  },
);

test("spellings of other tools lead to the words that are meant", () => {
  expect(["8-bit", "4bit", "mlp"].map(findWordsMeant)).toEqual(["int8", "fp4 or nf4", null]);
  expect(findWordsMeant("gptq")).toBe("as-stored");
});

test("methods are ordered by the bits of a weight, and what is not quantized takes the most", () => {
  const names = ["nf4-double", "fp4", "nf4", "int8", "none"];
  // A method that is fitted as well, whichever it is, changes nothing for these.
  const ordered = listFittedQuantizations()
    .filter((one) => names.includes(describeQuantization(one)))
    .toSorted((a, b) => computeOrderingBits(a) - computeOrderingBits(b));
  expect(ordered.map(describeQuantization)).toEqual(names);
  expect(ordered.map(isQuantized)).toEqual([true, true, true, true, false]);
});

test("a checkpoint is named by its folder's or repository's own name", () => {
  const asStored = resolveQuantization("as-stored");
  const label = (checkpoint: Checkpoint) => describeQuantization(withCheckpoint(asStored, checkpoint));
  expect(label({ source: "path", path: "/lab/models/smollm2-w4a16/" })).toBe("as-stored-smollm2-w4a16");
  expect(label({ source: "hub", repo: "lab/qwen-awq", revision: null })).toBe("as-stored-qwen-awq");
  expect(withCheckpoint({ method: "none" }, { source: "path", path: "/x" })).toEqual({ method: "none" });
});

test("each method's library is what its configurations ask the environment for", () => {
  const asked = ["none", "nf4", "torchao-int8", "torchao-float8", "quanto-int8", "as-stored"].map((word) =>
    resolveQuantization(word),
  );
  expect(listMethodExtras(asked)).toEqual(["torchao", "quanto"]);
  expect(asked.map(canEstimate)).toEqual([true, true, true, true, true, false]);
  expect(findStoredExtra("compressed-tensors")).toBe("compressed-tensors");
  expect(findStoredExtra("gptq")).toBeNull();
});

test("of one short row quanto keeps the constants of its 4-bit weights column by column", () => {
  const bytes = (in_features: number, out_features: number) =>
    estimateLayerBytes({ in_features, out_features }, resolveQuantization("quanto-int4"), 2);
  // The sizes that `npm run families` measured for the gates of Qwen2-MoE.
  expect(bytes(128, 1)).toBe(128 + 128 * 4 + 8);
  expect(bytes(128, 2)).toBe(128 + 2 * 4 + 8);
  expect(bytes(256, 1)).toBe(128 + 2 * 4 + 8);
});

test("names of methods are told apart", () => {
  expect(new Set(METHOD_NAMES).size).toBe(METHOD_NAMES.length);
});
