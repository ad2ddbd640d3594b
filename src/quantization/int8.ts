/** bitsandbytes' LLM.int8(): 8-bit rows, with outliers of the activations computed in 16 bits. */
import { z } from "zod";
import { type QuantizationMethod, skipModulesInput, skippedModules } from "./method.js";

/** bitsandbytes' own default: outliers from this value on are computed in 16 bits. */
const DEFAULT_THRESHOLD = 6;
const ROW_CONSTANT_BYTES = 4;

const wireSchema = z.strictObject({
  method: z.literal("int8"),
  /** LLM.int8() outlier threshold. */
  threshold: z.number().min(0),
  skip_modules: skippedModules(),
});

const inputSchema = z.strictObject({
  method: z.literal("int8"),
  threshold: z.number().min(0).meta({ description: "LLM.int8() outlier threshold; default 6.0." }).optional(),
  skip_modules: skipModulesInput.optional(),
});

export const int8: QuantizationMethod<"int8", typeof wireSchema, typeof inputSchema> = {
  method: "int8",
  library: "bitsandbytes",
  extra: null,
  wireSchema,
  inputSchema,
  form: "{method: int8, threshold, skip_modules}",
  words: { int8: { method: "int8" } },
  otherSpellings: ["8bit", "8-bit", "llm.int8"],
  weightsAre: "8-bit",
  fitted: [{ method: "int8" }],
  resolve: ({ threshold, skip_modules }) => ({
    method: "int8",
    threshold: threshold ?? DEFAULT_THRESHOLD,
    skip_modules: skip_modules ?? null,
  }),
  describe: ({ threshold }) =>
    threshold === DEFAULT_THRESHOLD ? ["int8"] : ["int8", `threshold-${threshold}`],
  // One constant per row.
  estimateLayerBytes: ({ in_features, out_features }) =>
    in_features * out_features + out_features * ROW_CONSTANT_BYTES,
  unpackedDtype: () => null,
  orderingBits: () => 8,
};
