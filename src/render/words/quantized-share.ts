/** Says how much of a model is quantized, if the label alone would claim more than is true. */
import { estimateKinds, findUnquantized, type KindShare } from "../../analysis/quantized-share.js";
import { safeLine } from "../../base/text.js";
import { formatBytes } from "../../base/units.js";
import type { CensusKind, ModelShape } from "../../protocol/measurements.js";
import { describeWeights, isAsStored, type Quantization } from "../../quantization/registry.js";
import type { RecordedProof } from "../../run/record-types.js";

export const MOSTLY_UNQUANTIZED = "mostly unquantized";

/** What the kinds are called in a sentence. */
const NAMES: Readonly<Record<CensusKind["kind"], string>> = {
  embeddings: "embeddings",
  head: "the output head",
  norms: "norms",
  experts: "experts",
  router: "routers",
  attention: "attention layers",
  mlp: "MLP layers",
  other: "other layers",
  adapter: "the adapter",
};

/** `11 % of the matrix weights are 4-bit; experts are bfloat16`. Null if nearly all of them are quantized. */
export function describeQuantizedShare(method: string, kinds: readonly KindShare[]): string | null {
  const weights = describeWeights(method);
  const found = weights === null ? null : findUnquantized(kinds);
  if (found === null) return null;
  const mostly = found.isMostlyUnquantized ? `${MOSTLY_UNQUANTIZED}: ` : "";
  return [
    `${mostly}${Math.round(found.share * 100)} % of the matrix weights are ${weights}`,
    ...[...found.unquantized].map(([dtype, left]) => {
      const names = left.map(({ kind, isInPart }) => `${isInPart ? "some " : ""}${NAMES[kind]}`);
      return `${names.join(" and ")} are ${dtype}`;
    }),
  ].join("; ");
}

/** How the files were quantized, and what is left of that in the running model. Empty if they were not quantized. */
export function describeAsStored(
  stored: string | null,
  atLoad: RecordedProof | null,
  running: RecordedProof | null,
): readonly string[] {
  if (stored === null) return [];
  const text = `as stored: ${safeLine(stored)}`;
  if (running?.matrix_weights_quantized_share !== 0) return [text];
  const is = running.dtype;
  if (atLoad?.matrix_weights_quantized_share === 0) {
    return [
      `${text}; dequantized by the library while it was loaded: nothing is below 16 bits, the weights are ${is}`,
    ];
  }
  const sizes = [atLoad, running].map((proof) => (proof === null ? "?" : formatBytes(proof.weights_bytes)));
  return [
    `${text}; dequantized by the library at the first forward pass: ${sizes[0]} at load, ${sizes[1]} once it runs, the weights are ${is}`,
  ];
}

/** What a proof says about the quantized share, for the remarks of its configuration. */
export function describeProofShare(proof: RecordedProof | null): readonly string[] {
  if (proof?.census == null) return [];
  const { unknown, kinds } = proof.census;
  if (unknown.count > 0) {
    const more = unknown.count - unknown.names.length;
    const names = `${unknown.names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    return [
      `it is unknown how much of the model is quantized: the contents of ${names} cannot be determined`,
    ];
  }
  const text = describeQuantizedShare(proof.quantization_effective.method, kinds);
  return text === null ? [] : [text];
}

/**
 * The same before anything is loaded: judging by the model's shape, how much the quantization will reach and what it will not.
 */
export function describeExpectedShare(shape: ModelShape, method: string, dtype: string): string | null {
  return describeQuantizedShare(method, estimateKinds(shape, dtype));
}

/**
 * Says what it means if the files are already quantized: they are loaded only as they are, except GGUF files, which are expanded
 * first.
 */
export function describeStoredQuantization(
  shape: ModelShape,
  quantization: Quantization | null = null,
): string | null {
  const { stored_quantization: stored, expanded_from: types, dtype } = shape;
  if (types !== null) {
    return `The GGUF file holds its weights as ${types.join(", ")}; Transformers expands them to ${dtype} before anything is loaded or quantized: these figures are for that.`;
  }
  if (quantization !== null && isAsStored(quantization)) {
    return stored === null
      ? "The files are not quantized, so as-stored will be refused: ask for none."
      : `As stored: ${stored}. Its size is known once it is loaded.`;
  }
  if (stored === null) return null;
  return `The files are already quantized (${stored}), and any other method is refused: these figures are for the same model from unquantized files.`;
}
