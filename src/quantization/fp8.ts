/** Transformers' fine-grained FP8, as published by DeepSeek and Qwen: 8-bit floats with one constant per block. GPUs only. */
import { z } from "zod";
import { type QuantizationMethod, skipModulesInput, skippedModules } from "./method.js";

const FLOAT32_BYTES = 4;
/** Side length of a block, which is the library's own default. */
const BLOCK_SIDE = 128;

const wireSchema = z.strictObject({ method: z.literal("fp8"), skip_modules: skippedModules() });

const inputSchema = z.strictObject({ method: z.literal("fp8"), skip_modules: skipModulesInput.optional() });

export const fp8: QuantizationMethod<"fp8", typeof wireSchema, typeof inputSchema> = {
  method: "fp8",
  library: "transformers",
  extra: null,
  wireSchema,
  inputSchema,
  form: "{method: fp8, skip_modules}",
  words: { fp8: { method: "fp8" } },
  otherSpellings: ["finegrained_fp8", "float8"],
  weightsAre: "8-bit",
  // Empty, because its weights are about as large as int8's.
  fitted: [],
  resolve: ({ skip_modules }) => ({ method: "fp8", skip_modules: skip_modules ?? null }),
  describe: () => ["fp8"],
  estimateLayerBytes: ({ in_features, out_features }) =>
    in_features * out_features +
    Math.ceil(in_features / BLOCK_SIDE) * Math.ceil(out_features / BLOCK_SIDE) * FLOAT32_BYTES,
  unpackedDtype: () => null,
  orderingBits: () => 8,
};
