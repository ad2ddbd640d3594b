/** Names of dtypes. */

/** Spellings that people use → the dtype that they mean. */
export const DTYPE_ALIASES = { bf16: "bfloat16", fp16: "float16", fp32: "float32" } as const;

/** `bf16` → `bfloat16`; any other text is returned unchanged. */
export function resolveDtype(written: string): string {
  return written in DTYPE_ALIASES ? DTYPE_ALIASES[written as keyof typeof DTYPE_ALIASES] : written;
}
