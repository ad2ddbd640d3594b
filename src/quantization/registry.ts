/** All quantization methods; a method added here is known everywhere (docs/development.md, "Add a quantization"). */
import { z } from "zod";
import { joinWithOr } from "../base/text.js";
import { asStored, type Checkpoint, findStoredExtra } from "./as-stored.js";
import { resolveDtype } from "./dtypes.js";
import type { MethodExtra } from "./extras.js";
import { fourBit } from "./four-bit.js";
import { fp8 } from "./fp8.js";
import { int8 } from "./int8.js";
import type { LinearLayer, QuantizationMethod } from "./method.js";
import { none } from "./none.js";
import { quanto } from "./quanto.js";
import { torchao } from "./torchao.js";

const REGISTERED = [none, int8, fourBit, torchao, quanto, fp8, asStored] as const;

type Registered = typeof REGISTERED;
interface Schemas {
  readonly wireSchema: z.ZodObject;
  readonly inputSchema: z.ZodObject;
}
type SchemasOf<Methods extends readonly Schemas[], Key extends keyof Schemas> = {
  [Index in keyof Methods]: Methods[Index][Key];
};
type WireSchemas = SchemasOf<Registered, "wireSchema">;
type InputSchemas = SchemasOf<Registered, "inputSchema">;
/** What the worker is asked for. */
export type Quantization = z.infer<WireSchemas[number]>;
type Mapping = z.infer<InputSchemas[number]>;

export { type Checkpoint, findStoredExtra };
export type MethodName = Registered[number]["method"];

/** A method is only ever given its own quantizations, because `findMethod` looks it up by the quantization's `method`. */
type AnyMethod = QuantizationMethod<MethodName, z.ZodObject, z.ZodObject, Quantization, Mapping>;
const METHODS = REGISTERED as unknown as readonly AnyMethod[];

export const METHOD_NAMES = METHODS.map(({ method }) => method) as [MethodName, ...MethodName[]];
const MAPPING_OF_WORD: ReadonlyMap<string, Mapping> = new Map(
  METHODS.flatMap(({ words }) => Object.entries(words)),
);
const WORDS = [...MAPPING_OF_WORD.keys()];

export const quantizationSchema = z.discriminatedUnion(
  "method",
  METHODS.map(({ wireSchema }) => wireSchema) as unknown as WireSchemas,
);

export const quantizationInputSchema = z
  .union([z.enum(WORDS), ...(METHODS.map(({ inputSchema }) => inputSchema) as unknown as InputSchemas)], {
    error: `must be ${WORDS.join(", ")}, or a mapping such as {type: nf4, double_quant: true}`,
  })
  .meta({
    description: `${joinWithOr(WORDS)}; or a mapping: ${METHODS.filter(({ words }) => !("none" in words))
      .map(({ form }) => form)
      .join(" or ")}.`,
  });
export type QuantizationInput = string | Mapping;

/**
 * In `exclude` (the counterpart of `include`) and `reference`: any part of a quantization. Keys that are left out match anything.
 */
export const quantizationMatchSchema = z.union([z.enum(WORDS), buildMatchMapping()], {
  error: `must be ${WORDS.join(", ")}, or a mapping with some of a quantization's keys`,
});
export type QuantizationMatch = string | Readonly<Record<string, unknown>>;

/** What a validated value of an experiment file asks for, with every default filled in; `withCheckpoint` sets the checkpoint. */
export function resolveQuantization(input: QuantizationInput): Quantization {
  const mapping = typeof input === "string" ? mappingOfWord(input) : input;
  return methodOfMapping(mapping).resolve(mapping);
}

/** The checkpoint that a validated value names, as it was written. Null if it names none. */
export function findWrittenCheckpoint(input: QuantizationInput) {
  return typeof input !== "string" && "checkpoint" in input ? (input.checkpoint ?? null) : null;
}

export function withCheckpoint(quantization: Quantization, checkpoint: Checkpoint): Quantization {
  return quantization.method === "as-stored" ? { ...quantization, checkpoint } : quantization;
}

/** Where the quantized files come from. Null if they are the model's own, or the method takes no checkpoint. */
export function findCheckpoint(quantization: Quantization): Checkpoint | null {
  return quantization.method === "as-stored" ? quantization.checkpoint : null;
}

export function isAsStored({ method }: Quantization): boolean {
  return method === asStored.method;
}

/** The parts of a quantization that a validated pattern asks for. */
export function resolveQuantizationMatch(match: QuantizationMatch): object {
  if (typeof match === "string") {
    const mapping = mappingOfWord(match);
    return { method: methodOfMapping(mapping).method, ...mapping };
  }
  const { compute_dtype: computeDtype, ...rest } = match;
  return typeof computeDtype === "string" ? { ...rest, compute_dtype: resolveDtype(computeDtype) } : rest;
}

/** `none`, `int8`, `fp4`, `nf4-double`, `fp4-compute-float16`, `int8-threshold-0`, `nf4-skip-mlp`. */
export function describeQuantization(quantization: Quantization): string {
  const skipped = listSkippedModules(quantization);
  const parts = findMethod(quantization).describe(quantization);
  return [...parts, ...(skipped.length > 0 ? [`skip-${skipped.join("+")}`] : [])].join("-");
}

/** The words that another tool's spelling stands for: `4-bit` → `fp4 or nf4`. Null if the spelling is unknown. */
export function findWordsMeant(written: string): string | null {
  const meant = METHODS.find(({ otherSpellings }) => otherSpellings.includes(written));
  return meant === undefined ? null : Object.keys(meant.words).join(" or ");
}

/** What `falcon-exp fit` shows side by side. */
export function listFittedQuantizations(): readonly Quantization[] {
  return METHODS.flatMap((method) => method.fitted.map((input) => method.resolve(input)));
}

/**
 * What the weights that a live model's method has packed are called: `4-bit`. Null if the method packs none. If none of these
 * methods packed them, all that is known is that they take fewer than 16 bits.
 */
export function describeWeights(liveMethod: string): string | null {
  const known = METHODS.find(({ method }) => method === liveMethod);
  return known === undefined ? "below 16 bits" : known.weightsAre;
}

/** The library that packs its weights. Null if none does. */
export function findLibrary(quantization: Quantization): string | null {
  return findMethod(quantization).library;
}

/** What the managed environment must contain in addition to the worker's own libraries. */
export function listMethodExtras(quantizations: readonly Quantization[]): readonly MethodExtra[] {
  return [...new Set(quantizations.flatMap((quantization) => findMethod(quantization).extra ?? []))];
}

export function isQuantized({ method }: Quantization): boolean {
  return method !== none.method;
}

/** Modules left unquantized by request. */
export function listSkippedModules(quantization: Quantization): readonly string[] {
  return "skip_modules" in quantization ? (quantization.skip_modules ?? []) : [];
}

/** Whether the size of its weights can be known before they are loaded. */
export function canEstimate(quantization: Quantization): boolean {
  return findMethod(quantization).estimateLayerBytes !== null;
}

/**
 * Bytes of one layer's weights and constants; throws unless `canEstimate`. `elementBytes` is the size of one unquantized value.
 */
export function estimateLayerBytes(
  layer: LinearLayer,
  quantization: Quantization,
  elementBytes: number,
): number {
  const { method, estimateLayerBytes } = findMethod(quantization);
  if (estimateLayerBytes === null) throw new Error(`the size of ${method} is known only once it is loaded`);
  return estimateLayerBytes(layer, quantization, elementBytes);
}

/**
 * The dtype to which a layer's weights are unpacked whenever it computes (`auto`: the configuration's). Null if they never are.
 */
export function findUnpackedDtype(quantization: Quantization): string | null {
  return findMethod(quantization).unpackedDtype(quantization);
}

/**
 * Bits per weight, to order configurations by size; unquantized weights count as the largest. NaN if it is not known before a
 * load.
 */
export function computeOrderingBits(quantization: Quantization): number {
  return findMethod(quantization).orderingBits(quantization) ?? Number.POSITIVE_INFINITY;
}

function findMethod({ method: name }: Quantization): AnyMethod {
  return METHODS.find(({ method }) => method === name) as AnyMethod;
}

function mappingOfWord(word: string): Mapping {
  return MAPPING_OF_WORD.get(word) as Mapping;
}

function methodOfMapping(mapping: Mapping): AnyMethod {
  return METHODS.find(({ inputSchema }) => inputSchema.safeParse(mapping).success) as AnyMethod;
}

/** Every key of every method, all of them optional; a key that several methods have accepts the values of any of them. */
function buildMatchMapping(): z.ZodObject {
  const choices = new Map<string, z.ZodType[]>();
  for (const { inputSchema } of METHODS) {
    for (const [key, schema] of Object.entries(inputSchema.shape) as [string, z.ZodType][]) {
      const own = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
      const known = choices.get(key) ?? [];
      if (!known.includes(own)) choices.set(key, [...known, own]);
    }
  }
  choices.set("method", [z.enum(METHOD_NAMES)]);
  const shape = [...choices].map(([key, schemas]): [string, z.ZodType] => {
    const [first] = schemas as [z.ZodType];
    return [key, (schemas.length === 1 ? first : z.union(schemas)).optional()];
  });
  return z.strictObject(Object.fromEntries(shape));
}
