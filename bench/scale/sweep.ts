/** An experiment with three quantizations and the unquantized model, at enough answer lengths; ten trials per configuration. */
export function describeSweep(configurations: number): string {
  const lengths = Array.from({ length: configurations / 4 }, (_, index) => index + 1);
  return [
    "name: scale",
    "model: smollm2-135m-instruct",
    "prompts: [a b c, d e f, g h i, j k l, m n o]",
    "repeats: 2",
    "matrix:",
    `  max_new_tokens: [${lengths.join(", ")}]`,
    "  quantization: [none, int8, fp4, nf4]",
    "",
  ].join("\n");
}
