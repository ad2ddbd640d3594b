/** An experiment file with every shorthand resolved and every path absolute: frozen data, nothing that acts. */
import type { SourcePlace } from "../base/errors.js";
import type { Attention, Dtype, Generation, ModelSource, Quantization } from "../protocol/configuration.js";
import type { AxisName } from "./axis-schemas.js";

/** Everything that can differ between two configurations of an experiment. */
export type Settings = Generation & {
  readonly model: ExperimentModel;
  readonly quantization: Quantization;
  readonly dtype: Dtype;
  readonly device: string;
  readonly attention: Attention;
};

/** One value of an axis: the settings that it changes. */
export type Patch = Partial<Settings>;

export interface MatrixAxis {
  readonly name: AxisName;
  readonly values: readonly Patch[];
}

/** One axis of a match: it holds where any of these agrees with a configuration in all that it names. */
export interface MatchAxis {
  readonly name: AxisName;
  readonly anyOf: readonly Readonly<Record<string, unknown>>[];
}

/** Holds where every axis holds. */
export interface Match {
  readonly axes: readonly MatchAxis[];
  readonly place: SourcePlace | null;
}

/** A configuration given whole: its axes, in the order in which they apply. */
export interface IncludedCell {
  readonly patches: readonly { readonly name: AxisName; readonly patch: Patch }[];
  readonly place: SourcePlace | null;
}

export interface ExperimentModel {
  readonly source: ModelSource;
  /** As written, for titles. */
  readonly name: string;
  /** What a reader must know of the model; null when nothing. */
  readonly note: string | null;
}

export interface Prompt {
  readonly id: string;
  readonly text: string;
}

export type Reference =
  | { readonly kind: "default" }
  | { readonly kind: "label"; readonly label: string; readonly place: SourcePlace | null }
  | { readonly kind: "match"; readonly match: Match };

export interface Experiment {
  readonly name: string;
  readonly description: string | null;
  readonly prompts: readonly Prompt[];
  /** What a configuration has where neither matrix nor include says otherwise. */
  readonly base: Settings;
  /** In the order written; the last varies fastest. */
  readonly matrix: readonly MatrixAxis[];
  readonly exclude: readonly Match[];
  readonly include: readonly IncludedCell[];
  readonly repeats: number;
  readonly warmup: number;
  readonly reference: Reference;
  readonly trust_remote_code: boolean;
  readonly workarounds: "auto" | "none";
  readonly timeouts: {
    readonly heartbeat_sec: number;
    readonly start_sec: number;
    readonly load_sec: number;
    readonly warmup_sec: number;
    readonly measure_sec: number;
    readonly unload_sec: number;
  };
}
