/** What a quantization method must provide. All other code asks the registry and never switches on a method's name. */
import { z } from "zod";
import type { MethodExtra } from "./extras.js";

/** A linear layer as the library stores it. */
export interface LinearLayer {
  readonly in_features: number;
  readonly out_features: number;
}

/** The TypeScript half of one method: its parameters. The other half is python/falcon_exp/worker/quantization/<method>.py. */
export interface QuantizationMethod<
  Name extends string,
  WireSchema extends z.ZodObject,
  InputSchema extends z.ZodObject,
  Wire = z.infer<WireSchema>,
  Input = z.infer<InputSchema>,
> {
  readonly method: Name;
  /** The library that packs the weights: what fits under one library says nothing about what another needs. Null if none does. */
  readonly library: string | null;
  /** The extra (`extras.ts`) that the managed environment needs for it. Null if the worker's own libraries are enough. */
  readonly extra: MethodExtra | null;
  /** What the worker is asked for, with every default filled in; `method` tells the schemas apart. */
  readonly wireSchema: WireSchema;
  /** The mapping that may be written in an experiment file. */
  readonly inputSchema: InputSchema;
  /** How that mapping is written in one line, for help and errors. */
  readonly form: string;
  /** Single words that may be written instead: `fp4` → `{type: fp4}`. */
  readonly words: Readonly<Record<string, Input>>;
  /** Spellings used by other tools, for hints in error messages. */
  readonly otherSpellings: readonly string[];
  /** What its weights are called in a sentence: `4-bit`. Null if they are, or may be, in the configuration's dtype. */
  readonly weightsAre: string | null;
  /** What `falcon-exp fit` shows side by side. */
  readonly fitted: readonly Input[];
  /** Fills in the defaults. */
  resolve(input: Input): Wire;
  /** Parts of its short text: `["nf4", "double"]`; defaults are left out. */
  describe(wire: Wire): readonly string[];
  /**
   * Bytes of one layer's weights and constants; `elementBytes` is the size of one unquantized value. Null if only a load can
   * tell.
   */
  readonly estimateLayerBytes: ((layer: LinearLayer, wire: Wire, elementBytes: number) => number) | null;
  /**
   * The dtype to which a layer's weights are unpacked whenever it computes (`auto`: the configuration's). Null if they never are.
   */
  unpackedDtype(wire: Wire): string | null;
  /**
   * Bits per weight, constants included, exact enough to order configurations by size. Null if the weights are in the
   * configuration's dtype; NaN if it is not known before a load.
   */
  orderingBits(wire: Wire): number | null;
}

/**
 * Names of modules left unquantized in addition to those that transformers leaves unquantized (output head). Null for only those.
 */
export const skippedModules = () => z.array(z.string()).nullable();

export const skipModulesInput = z.array(z.string().min(1)).meta({
  description: "Names of modules left unquantized, besides those that the library leaves unquantized.",
});
