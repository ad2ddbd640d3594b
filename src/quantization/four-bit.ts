/** bitsandbytes' 4-bit types: blocks of weights that share a constant, unpacked whenever a layer computes. */
import { z } from "zod";
import { resolveDtype } from "./dtypes.js";
import { type LinearLayer, type QuantizationMethod, skipModulesInput, skippedModules } from "./method.js";

const FLOAT32_BYTES = 4;
/** bitsandbytes' own sizes: how many weights share a constant, and how many constants share one when they are quantized too. */
const BLOCK_WEIGHTS = 64;
const NESTED_BLOCKS = 256;
/**
 * Entries in the tables that a layer keeps: the 16 values of a 4-bit type; 256 values for 8-bit constants, which also have an
 * offset.
 */
const CODE_ENTRIES = 16;
const NESTED_CODE_ENTRIES = 256;

const wireSchema = z.strictObject({
  method: z.literal("4bit"),
  type: z.enum(["fp4", "nf4"]),
  double_quant: z.boolean(),
  /** `auto` = the configuration's dtype. */
  compute_dtype: z.enum(["auto", "float32", "bfloat16", "float16"]),
  skip_modules: skippedModules(),
});
type FourBit = z.infer<typeof wireSchema>;

const inputSchema = z.strictObject({
  method: z.literal("4bit").optional(),
  type: z.enum(["fp4", "nf4"]).meta({ description: "The 4-bit number format." }),
  double_quant: z
    .boolean()
    .meta({ description: "Quantize the quantization constants too; default false." })
    .optional(),
  compute_dtype: z
    .enum(["auto", "bfloat16", "float16", "float32", "bf16", "fp16", "fp32"])
    .meta({ description: "The dtype of 4-bit arithmetic; `auto` (default) is the configuration's dtype." })
    .optional(),
  skip_modules: skipModulesInput.optional(),
});

export const fourBit: QuantizationMethod<"4bit", typeof wireSchema, typeof inputSchema> = {
  method: "4bit",
  library: "bitsandbytes",
  extra: null,
  wireSchema,
  inputSchema,
  form: "{type: fp4 | nf4, double_quant, compute_dtype, skip_modules}",
  words: { fp4: { type: "fp4" }, nf4: { type: "nf4" } },
  otherSpellings: ["4bit", "4-bit", "int4"],
  weightsAre: "4-bit",
  fitted: [{ type: "fp4" }, { type: "nf4" }, { type: "nf4", double_quant: true }],
  resolve: ({ type, double_quant, compute_dtype, skip_modules }) => ({
    method: "4bit",
    type,
    double_quant: double_quant ?? false,
    compute_dtype: resolveDtype(compute_dtype ?? "auto") as FourBit["compute_dtype"],
    skip_modules: skip_modules ?? null,
  }),
  describe: ({ type, double_quant, compute_dtype }) => [
    type,
    ...(double_quant ? ["double"] : []),
    ...(compute_dtype === "auto" ? [] : [`compute-${compute_dtype}`]),
  ],
  estimateLayerBytes: estimateFourBitBytes,
  unpackedDtype: ({ compute_dtype }) => compute_dtype,
  orderingBits: ({ double_quant }) => 4 + (double_quant ? 8 : 32) / BLOCK_WEIGHTS,
};

function estimateFourBitBytes({ in_features, out_features }: LinearLayer, { double_quant }: FourBit): number {
  const weights = in_features * out_features;
  const blocks = Math.ceil(weights / BLOCK_WEIGHTS);
  const packed = Math.ceil(weights / 2) + CODE_ENTRIES * FLOAT32_BYTES;
  if (!double_quant) return packed + blocks * FLOAT32_BYTES;
  const nested = Math.ceil(blocks / NESTED_BLOCKS) + NESTED_CODE_ENTRIES + 1;
  return packed + blocks + nested * FLOAT32_BYTES;
}
