/** Whatever quantization a checkpoint's files already have, loaded as Transformers loads it. */
import { z } from "zod";
import type { QuantizationMethod } from "./method.js";

const text = z.string().min(1);

const wireSchema = z.strictObject({
  method: z.literal("as-stored"),
  /** The quantized files of the same model. Null if the model's own files are quantized. */
  checkpoint: z
    .discriminatedUnion("source", [
      z.strictObject({ source: z.literal("path"), path: text }),
      z.strictObject({ source: z.literal("hub"), repo: text, revision: z.string().nullable() }),
    ])
    .nullable(),
});
type AsStored = z.infer<typeof wireSchema>;
export type Checkpoint = NonNullable<AsStored["checkpoint"]>;

const checkpointInput = z.union(
  [text, z.strictObject({ path: text }), z.strictObject({ hub: text, revision: text.optional() })],
  { error: "must be a hub id, a path, or a mapping with hub or path" },
);

const inputSchema = z.strictObject({
  method: z.literal("as-stored"),
  checkpoint: checkpointInput
    .meta({
      description:
        "The same model's quantized files, a hub id or a path relative to this file: compared with the model itself. Without it the model's own files.",
    })
    .optional(),
});

export const asStored: QuantizationMethod<"as-stored", typeof wireSchema, typeof inputSchema> = {
  method: "as-stored",
  library: "as stored",
  // Which extra is needed depends on the files: see `findStoredExtra`.
  extra: null,
  wireSchema,
  inputSchema,
  form: "{method: as-stored, checkpoint}",
  words: { "as-stored": { method: "as-stored" } },
  otherSpellings: ["gptq", "awq", "auto-round", "compressed-tensors", "stored", "prequantized"],
  // There may be no weights below 16 bits; only the census shows that.
  weightsAre: null,
  fitted: [],
  // The checkpoint is added later, because its path is relative to the experiment file's folder.
  resolve: () => ({ method: "as-stored", checkpoint: null }),
  describe: ({ checkpoint }) =>
    checkpoint === null ? ["as-stored"] : ["as-stored", nameCheckpoint(checkpoint)],
  // How many bytes the files take is not known before they are there.
  estimateLayerBytes: null,
  unpackedDtype: () => null,
  orderingBits: () => Number.NaN,
};

function nameCheckpoint(checkpoint: Checkpoint): string {
  const whole = checkpoint.source === "path" ? checkpoint.path : checkpoint.repo;
  return whole.split(/[/\\]/).findLast((part) => part !== "") ?? whole;
}

/**
 * The extra of the managed environment that reads files with this `quant_method` in their `quantization_config`. Null if none
 * does.
 */
export function findStoredExtra(quantMethod: unknown) {
  return quantMethod === "compressed-tensors" || quantMethod === "torchao" || quantMethod === "quanto"
    ? quantMethod
    : null;
}
