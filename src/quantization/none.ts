/** Weights in the configuration's dtype. */
import { z } from "zod";
import type { QuantizationMethod } from "./method.js";

const schema = z.strictObject({ method: z.literal("none") });

export const none: QuantizationMethod<"none", typeof schema, typeof schema> = {
  method: "none",
  library: null,
  extra: null,
  wireSchema: schema,
  inputSchema: schema,
  form: "{method: none}",
  words: { none: { method: "none" } },
  otherSpellings: [],
  weightsAre: null,
  fitted: [{ method: "none" }],
  resolve: () => ({ method: "none" }),
  describe: () => ["none"],
  estimateLayerBytes: ({ in_features, out_features }, _, elementBytes) =>
    in_features * out_features * elementBytes,
  unpackedDtype: () => null,
  orderingBits: () => null,
};
