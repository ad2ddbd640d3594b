/** Says how much of a model is quantized, if the label alone would claim more than is true. */
import { safeLine } from "../base/text.js";
import { formatBytes } from "../base/units.js";
import type { CensusKind, ModelShape } from "../protocol/measurements.js";
import { describeWeights, isAsStored, type Quantization } from "../quantization/registry.js";
import type { RecordedProof } from "../run/record-types.js";

/** If less than this share of the matrix weights is quantized, a remark is shown wherever the label is shown. */
const NEARLY_ALL = 0.9;
/** Below this share, the configuration is called mostly unquantized. */
const HALF = 0.5;
/** Kinds with a smaller share of the unquantized weights are not named. */
const WORTH_NAMING = 0.1;

export const MOSTLY_UNQUANTIZED = "mostly unquantized";

type Kind = CensusKind["kind"];

/** The part of a census from which the share is computed; an estimate has it before anything is loaded. */
export interface KindShare {
  readonly kind: Kind;
  readonly matrix_weights: number;
  readonly quantized_weights: number;
  readonly unquantized_dtype: string | null;
}

/** What the kinds are called in a sentence. */
const NAMES: Readonly<Record<Kind, string>> = {
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
/** Kinds that are not counted, because by convention they are not quantized. */
const OUTSIDE: ReadonlySet<Kind> = new Set<Kind>(["embeddings", "head", "adapter"]);

/** Quantized share of the matrix weights, without embeddings, output head and adapter. Null if there are no such weights. */
export function computeQuantizedShare(kinds: readonly KindShare[]): number | null {
  const inner = kinds.filter(({ kind }) => !OUTSIDE.has(kind));
  const total = sum(inner.map(({ matrix_weights }) => matrix_weights));
  return total === 0 ? null : sum(inner.map(({ quantized_weights }) => quantized_weights)) / total;
}

/** Whether a configuration's label claims more than is true. Takes a proof or a summary. */
export function isMostlyUnquantized(one: {
  readonly quantization_effective: { readonly method: string } | null;
  readonly matrix_weights_quantized_share: number | null;
}): boolean {
  const { quantization_effective: effective, matrix_weights_quantized_share: share } = one;
  return effective !== null && describeWeights(effective.method) !== null && share !== null && share < HALF;
}

/** `11 % of the matrix weights are 4-bit; experts are bfloat16`. Null if nearly all of them are quantized. */
export function describeQuantizedShare(method: string, kinds: readonly KindShare[]): string | null {
  const share = computeQuantizedShare(kinds);
  const weights = describeWeights(method);
  if (weights === null || share === null || share >= NEARLY_ALL) return null;
  const mostly = share < HALF ? `${MOSTLY_UNQUANTIZED}: ` : "";
  return [
    `${mostly}${formatShare(share)} of the matrix weights are ${weights}`,
    ...describeUnquantized(kinds),
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
  const unquantized_dtype = dtype === "auto" ? shape.dtype : dtype;
  const kinds = (shape.matrix_kinds ?? []).map(({ kind, matrix_weights, quantizable_weights }) => ({
    kind,
    matrix_weights,
    quantized_weights: quantizable_weights,
    unquantized_dtype,
  }));
  return describeQuantizedShare(method, kinds);
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

function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `experts and routers are bfloat16`, one clause per dtype. */
function describeUnquantized(kinds: readonly KindShare[]): string[] {
  const left = kinds
    .filter(({ kind }) => !OUTSIDE.has(kind))
    .map((one) => ({ ...one, weights: one.matrix_weights - one.quantized_weights }));
  const all = sum(left.map(({ weights }) => weights));
  const byDtype = new Map<string, string[]>();
  for (const { kind, weights, quantized_weights, unquantized_dtype: dtype } of left) {
    if (dtype === null || weights < all * WORTH_NAMING) continue;
    const name = quantized_weights > 0 ? `some ${NAMES[kind]}` : NAMES[kind];
    byDtype.set(dtype, [...(byDtype.get(dtype) ?? []), name]);
  }
  return [...byDtype].map(([dtype, names]) => `${names.join(" and ")} are ${dtype}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
