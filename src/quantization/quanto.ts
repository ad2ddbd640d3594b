/** optimum-quanto's weights: 8 bits with one constant per row, or 4 bits in groups. */
import { z } from "zod";
import { type LinearLayer, type QuantizationMethod, skipModulesInput, skippedModules } from "./method.js";

/** The library makes groups of 128, 96, 64 or 32 weights, the largest of these that divides a row, else of the whole row. */
const GROUPS = [128, 96, 64, 32] as const;
/** Two constants for a layer's activations, which are kept even though the activations are not quantized. */
const ACTIVATION_BYTES = 8;

const types = z.enum(["int8", "int4", "float8"]);

const wireSchema = z.strictObject({
  method: z.literal("quanto"),
  type: types,
  skip_modules: skippedModules(),
});
type Quanto = z.infer<typeof wireSchema>;

const inputSchema = z.strictObject({
  method: z.literal("quanto"),
  type: types.meta({ description: "What weights are stored in." }),
  skip_modules: skipModulesInput.optional(),
});

const word = (type: Quanto["type"]) => ({ method: "quanto", type }) as const;

export const quanto: QuantizationMethod<"quanto", typeof wireSchema, typeof inputSchema> = {
  method: "quanto",
  library: "optimum-quanto",
  extra: "quanto",
  wireSchema,
  inputSchema,
  form: "{method: quanto, type: int8 | int4 | float8, skip_modules}",
  words: { "quanto-int8": word("int8"), "quanto-int4": word("int4"), "quanto-float8": word("float8") },
  otherSpellings: ["quanto", "qint8", "qint4", "qfloat8"],
  weightsAre: "quantized by quanto",
  // Empty, because its weights are about as large as bitsandbytes' 8-bit and 4-bit ones.
  fitted: [],
  resolve: ({ type, skip_modules }) => ({ method: "quanto", type, skip_modules: skip_modules ?? null }),
  describe: ({ type }) => [`quanto-${type}`],
  estimateLayerBytes: estimateQuantoBytes,
  unpackedDtype: ({ type }) => (type === "int8" ? null : "auto"),
  orderingBits: ({ type }) => (type === "int4" ? 4 + 32 / GROUPS[0] : 8),
};

function estimateQuantoBytes(
  { in_features, out_features }: LinearLayer,
  { type }: Quanto,
  elementBytes: number,
): number {
  if (type !== "int4") return in_features * out_features + out_features * elementBytes + ACTIVATION_BYTES;
  const group = findGroup(in_features);
  const groups = (in_features / group) * out_features;
  // If there is only one group, its constants are per column; this happens for a gate with one short row.
  const constants = groups === 1 ? in_features : groups;
  // Each byte holds values of two groups; each constant comes with a shift.
  return Math.ceil(groups / 2) * group + constants * 2 * elementBytes + ACTIVATION_BYTES;
}

function findGroup(columns: number): number {
  if (columns <= GROUPS[0]) return columns;
  return GROUPS.find((group) => columns % group === 0) ?? columns;
}
