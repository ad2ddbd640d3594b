/** Libraries of quantization methods that the managed environment installs when they are first needed. */

/** Each key has a lock file of its own, `python/requirements/<extra>.lock`; its value is the name that people know it by. */
export const METHOD_EXTRAS = {
  torchao: "torchao",
  quanto: "optimum-quanto",
  "compressed-tensors": "compressed-tensors",
} as const;
export type MethodExtra = keyof typeof METHOD_EXTRAS;
