/** How much of a model is quantized, because its label alone may claim more than is true. */
import type { CensusKind, ModelShape } from "../protocol/measurements.js";
import { describeWeights } from "../quantization/registry.js";

/** If at least this share of the matrix weights is quantized, the label is true. */
const NEARLY_ALL = 0.9;
/** Below this share, the configuration is mostly unquantized. */
const HALF = 0.5;
/** Kinds with a smaller share of the unquantized weights are not named. */
const WORTH_NAMING = 0.1;

type Kind = CensusKind["kind"];

/** The part of a census from which the share is computed; an estimate has it before anything is loaded. */
export interface KindShare {
  readonly kind: Kind;
  readonly matrix_weights: number;
  readonly quantized_weights: number;
  readonly unquantized_dtype: string | null;
}

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

export interface PartlyQuantized {
  readonly share: number;
  readonly isMostlyUnquantized: boolean;
  /** The kinds that make up most of the unquantized weights, by dtype. */
  readonly unquantized: ReadonlyMap<string, readonly UnquantizedKind[]>;
}

interface UnquantizedKind {
  readonly kind: Kind;
  /** Whether some weights of this kind are quantized. */
  readonly isInPart: boolean;
}

/** Null if nearly all matrix weights are quantized, or if there are none. */
export function findUnquantized(kinds: readonly KindShare[]): PartlyQuantized | null {
  const share = computeQuantizedShare(kinds);
  if (share === null || share >= NEARLY_ALL) return null;
  const left = kinds
    .filter(({ kind }) => !OUTSIDE.has(kind))
    .map((one) => ({ ...one, weights: one.matrix_weights - one.quantized_weights }));
  const all = sum(left.map(({ weights }) => weights));
  const unquantized = new Map<string, UnquantizedKind[]>();
  for (const { kind, weights, quantized_weights, unquantized_dtype: dtype } of left) {
    if (dtype === null || weights < all * WORTH_NAMING) continue;
    const one = { kind, isInPart: quantized_weights > 0 };
    unquantized.set(dtype, [...(unquantized.get(dtype) ?? []), one]);
  }
  return { share, isMostlyUnquantized: share < HALF, unquantized };
}

/** The same before anything is loaded: judging by the model's shape, what the quantization will reach. */
export function estimateKinds(shape: ModelShape, dtype: string): readonly KindShare[] {
  return (shape.matrix_kinds ?? []).map(({ kind, matrix_weights, quantizable_weights }) => ({
    kind,
    matrix_weights,
    quantized_weights: quantizable_weights,
    unquantized_dtype: dtype === "auto" ? shape.dtype : dtype,
  }));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
