/** torchao's weights: one byte per weight and constants per row; `dynamic` types also quantize the activations, on the fly. */
import { z } from "zod";
import { type LinearLayer, type QuantizationMethod, skipModulesInput, skippedModules } from "./method.js";

const FLOAT32_BYTES = 4;
/** For int4, the library's own default: how many weights share a constant and a zero point. */
const GROUP_WEIGHTS = 128;

const types = z.enum(["int8", "int8-dynamic", "float8", "float8-dynamic", "int4"]);

const wireSchema = z.strictObject({
  method: z.literal("torchao"),
  type: types,
  skip_modules: skippedModules(),
});
type TorchAo = z.infer<typeof wireSchema>;

const inputSchema = z.strictObject({
  method: z.literal("torchao"),
  type: types.meta({ description: "What weights are stored in; `dynamic`: activations are quantized too." }),
  skip_modules: skipModulesInput.optional(),
});

const word = (type: TorchAo["type"]) => ({ method: "torchao", type }) as const;

export const torchao: QuantizationMethod<"torchao", typeof wireSchema, typeof inputSchema> = {
  method: "torchao",
  library: "torchao",
  extra: "torchao",
  wireSchema,
  inputSchema,
  form: "{method: torchao, type: int8 | int8-dynamic | float8 | float8-dynamic | int4, skip_modules}",
  words: {
    "torchao-int8": word("int8"),
    "torchao-int8-dynamic": word("int8-dynamic"),
    "torchao-float8": word("float8"),
    "torchao-float8-dynamic": word("float8-dynamic"),
    "torchao-int4": word("int4"),
  },
  otherSpellings: ["torchao", "int8wo", "int8_weight_only", "int4wo", "int4_weight_only", "float8wo"],
  weightsAre: "quantized by torchao",
  // Empty, because its weights are about as large as bitsandbytes' 8-bit and 4-bit ones.
  fitted: [],
  resolve: ({ type, skip_modules }) => ({ method: "torchao", type, skip_modules: skip_modules ?? null }),
  describe: ({ type }) => [`torchao-${type}`],
  estimateLayerBytes: estimateTorchAoBytes,
  // On a CPU the product of 8-bit weights is computed from a copy in the activations' dtype.
  unpackedDtype: ({ type }) => (type === "int8" || type === "float8" ? "auto" : null),
  orderingBits: ({ type }) => (type === "int4" ? 4 + 32 / GROUP_WEIGHTS : 8),
};

function estimateTorchAoBytes(
  { in_features, out_features }: LinearLayer,
  { type }: TorchAo,
  elementBytes: number,
): number {
  const weights = in_features * out_features;
  if (type === "int4") return weights / 2 + (weights / GROUP_WEIGHTS) * 2 * elementBytes;
  // int8 keeps a one-byte zero point beside each row's constant, even though it is always zero.
  return weights + out_features * (FLOAT32_BYTES + (type.startsWith("int8") ? 1 : 0));
}
