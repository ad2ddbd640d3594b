/** Libraries of quantization methods that the managed environment installs when they are first asked for. */

/** Each is a lock of its own, `python/requirements/<extra>.lock`, and the name that people know it by. */
export const METHOD_EXTRAS = {
  torchao: "torchao",
  quanto: "optimum-quanto",
  "compressed-tensors": "compressed-tensors",
} as const;
export type MethodExtra = keyof typeof METHOD_EXTRAS;
