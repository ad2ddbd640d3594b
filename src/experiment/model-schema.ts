/** The ways to name a model in the file. They are checked here and resolved in `resolve-model.ts`. */
import { z } from "zod";

/** Names of embedded models that need no download. */
export const BUILTIN_MODELS = ["smollm2-135m-instruct"] as const;

export const HUB_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)?$/;
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

const text = z.string().min(1, { error: "must not be empty" });

/** NumPy and torch both accept seeds up to this one, with room to add the number of a repeat. */
export const MAX_SEED = 2_147_483_647;

const hubId = z.string().regex(HUB_ID, { error: "must be a hub id such as tiiuae/falcon-40b-instruct" });
const revision = z
  .string()
  .regex(REVISION, { error: "must be a branch, a tag or a commit" })
  .optional()
  .meta({ description: "Branch, tag or (best) commit; default main." });

const merged = z.boolean().optional();
const adapter = z
  .union([text, z.strictObject({ path: text, merged }), z.strictObject({ hub: hubId, revision, merged })], {
    error: "must be an adapter's folder, or a mapping {path, merged} or {hub, revision, merged}",
  })
  .optional()
  .meta({
    description:
      "A LoRA folder on this model, relative to this file, or {hub, revision}; with merged: true it is merged into the weights before anything is quantized.",
  });

const randomModel = z.strictObject({
  config: z
    .union([text, z.record(z.string(), z.json())], {
      error: "must be the path of a config.json, or a mapping with model_type",
    })
    .meta({ description: "A Transformers config: a mapping with model_type, or the path of a config.json." }),
  weights: z.literal("random").meta({ description: "The only value: weights are drawn from the seed." }),
  seed: z.int().min(0).max(MAX_SEED).optional().meta({ description: "Seed of the weights; default 0." }),
  tokenizer: text.optional().meta({
    description: "bytes (default: one id per byte; needs no files), or the path of a tokenizer folder.",
  }),
});

export const modelInputSchema = z
  .union(
    [
      text,
      z.strictObject({ hub: hubId, revision, adapter }),
      z.strictObject({ path: text.meta({ description: "A model folder, relative to this file." }), adapter }),
      z.strictObject({ builtin: z.enum(BUILTIN_MODELS), adapter }),
      randomModel,
    ],
    { error: "must be a model's name, or a mapping with hub, path, builtin or config" },
  )
  .meta({
    description:
      "smollm2-135m-instruct (embedded); a hub id (org/name); a local path (./, ../, /, ~); or a mapping: {hub, revision}, {path}, {builtin}, each with adapter; or {config, weights: random, seed, tokenizer}.",
  });
export type ModelInput = z.infer<typeof modelInputSchema>;
