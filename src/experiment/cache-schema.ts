/** `cache` as written in the file, and what it means. */
import { z } from "zod";
import type { Cache } from "../protocol/configuration.js";

/** The numbers of bits to which each library can quantize a cache. */
const BITS: Readonly<Record<string, readonly number[]>> = { quanto: [2, 4], hqq: [1, 2, 3, 4, 8] };
const WORDS = ["auto", "dynamic", "static", "quantized"] as const;

const mapping = z
  .strictObject({
    type: z.literal("quantized").optional(),
    backend: z.enum(["quanto", "hqq"]).optional(),
    bits: z.int().optional(),
    group: z.int().min(1).max(65_536).optional(),
  })
  .refine(({ backend = "quanto", bits = 4 }) => BITS[backend]?.includes(bits), {
    error: "bits must be 2 or 4 with quanto, and 1, 2, 3, 4 or 8 with hqq",
  });

export const cacheInputSchema = z
  .union([z.enum(WORDS), mapping], {
    error: `must be ${WORDS.join(", ")}, or a mapping such as {type: quantized, backend: quanto, bits: 4, group: 64}`,
  })
  .meta({
    description:
      "The cache of keys and values: auto (default) leaves it to the model's files and Transformers; dynamic, static, or {type: quantized, backend: quanto or hqq, bits, group}.",
  });
export type CacheInput = z.infer<typeof cacheInputSchema>;

/** Null leaves the cache to the model's files and the library. */
export function resolveCache(written: CacheInput): Cache | null {
  if (written === "auto") return null;
  if (written === "dynamic" || written === "static") return { type: written };
  const { backend = "quanto", bits = 4, group = 64 } = written === "quantized" ? {} : written;
  return { type: "quantized", backend, bits, group };
}
