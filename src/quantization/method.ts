/** What a quantization method has to tell: everything else asks the registry, and never switches on a method's name. */
import { z } from "zod";
import type { MethodExtra } from "./extras.js";

/** A linear layer as the library stores it. */
export interface LinearLayer {
  readonly in_features: number;
  readonly out_features: number;
}

/** The parameters of one method, in TypeScript; its other half is python/falcon_exp/worker/quantization/<method>.py. */
export interface QuantizationMethod<
  Name extends string,
  WireSchema extends z.ZodObject,
  InputSchema extends z.ZodObject,
  Wire = z.infer<WireSchema>,
  Input = z.infer<InputSchema>,
> {
  readonly method: Name;
  /** What packs the weights: sizes under different libraries say nothing of each other's needs. Null: none does. */
  readonly library: string | null;
  /** What of `extras.ts` the managed environment needs for it; null: nothing more than the worker's own libraries. */
  readonly extra: MethodExtra | null;
  /** What the worker is asked for, every default filled in; told apart by `method`. */
  readonly wireSchema: WireSchema;
  /** The mapping that may stand in an experiment file. */
  readonly inputSchema: InputSchema;
  /** How that mapping is written in one line, for help and errors. */
  readonly form: string;
  /** Single words that may stand instead: `fp4` → `{type: fp4}`. */
  readonly words: Readonly<Record<string, Input>>;
  /** Spellings of other tools, for the hint of an error. */
  readonly otherSpellings: readonly string[];
  /** How its weights are called in a sentence: `4-bit`; null where they are as the dtype has them. */
  readonly weightsAre: string | null;
  /** What `falcon-exp fit` lays side by side. */
  readonly fitted: readonly Input[];
  /** Fills in the defaults. */
  resolve(input: Input): Wire;
  /** Parts of its short text: `["nf4", "double"]`; what is as usual goes without saying. */
  describe(wire: Wire): readonly string[];
  /** Bytes of one layer's weights and constants; `elementBytes`: of one value that is not quantized. Null: only a load tells. */
  readonly estimateLayerBytes: ((layer: LinearLayer, wire: Wire, elementBytes: number) => number) | null;
  /** The dtype to which a layer's weights are unpacked whenever it computes (`auto`: the configuration's); null: never. */
  unpackedDtype(wire: Wire): string | null;
  /**
   * Bits of a weight, constants included, as far as it orders configurations by size; null: as the dtype has it. NaN: not
   * known before a load.
   */
  orderingBits(wire: Wire): number | null;
}

/** Names of modules left unquantized in addition to what transformers leaves (output head); null = only those. */
export const skippedModules = () => z.array(z.string()).nullable();

export const skipModulesInput = z.array(z.string().min(1)).meta({
  description: "Names of modules left unquantized, besides those that the library leaves unquantized.",
});
