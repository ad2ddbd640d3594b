/** An experiment file with every shorthand resolved and every path absolute: frozen data, nothing that acts. */
import type { SourcePlace } from "../base/errors.js";
import type { Attention, Dtype, Generation, ModelSource } from "../protocol/configuration.js";
import type { PromptContent } from "../protocol/prompt.js";
import type { Quantization } from "../quantization/registry.js";
import type { AxisName } from "./axis-schemas.js";
import type { SlurmSettings } from "./slurm-schema.js";

/** Everything that can differ between two configurations of an experiment. */
export type Settings = Generation & {
  readonly model: ExperimentModel;
  readonly quantization: Quantization;
  readonly dtype: Dtype;
  readonly device: string;
  readonly attention: Attention;
  /** Prompts that one `generate` answers together. */
  readonly batch_size: number;
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
  /** Or a conversation. */
  readonly text: PromptContent;
}

export type Reference =
  | { readonly kind: "default" }
  | { readonly kind: "label"; readonly label: string; readonly place: SourcePlace | null }
  | { readonly kind: "match"; readonly match: Match };

export interface EvaluationText {
  /** Unique in the experiment. */
  readonly id: string;
  readonly text: string;
}

/** Tasks of lm-evaluation-harness. */
export interface LmEval {
  readonly tasks: readonly string[];
  /** Absolute; null = only the library's own tasks. */
  readonly include_path: string | null;
  readonly limit: number | null;
  readonly num_fewshot: number | null;
  /** Whether what include_path brings may run. */
  readonly trust_task_code: boolean;
}

export interface ExperimentQuality {
  readonly texts: readonly EvaluationText[];
  readonly context: number;
  readonly max_tokens: number;
  readonly keep_logprobs: boolean;
  readonly kl: "forward" | "both";
  readonly lm_eval: LmEval | null;
}

/** Repeats until the decode rate is known within `width` (of itself, both sides together), or `most` are done. */
export interface AutoRepeats {
  readonly width: number;
  readonly fewest: number;
  readonly most: number;
}

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
  /** In each round; the most where `auto_repeats` decides. */
  readonly repeats: number;
  readonly auto_repeats: AutoRepeats | null;
  /** How often every configuration is loaded and measured anew; null where the file does not say. */
  readonly rounds: number | null;
  readonly order_seed: number;
  /** Measured at start, middle and end as well, to see drift; null = none. */
  readonly sentinel: Reference | null;
  /** Whether the time in linear layers is measured apart. */
  readonly profile: boolean;
  /** Whether configurations that must run out of memory, because a smaller one did, are left out. */
  readonly skip_implied: boolean;
  /** How often a configuration is tried again after a failure that may pass by itself. */
  readonly retries: number;
  /** How often a trial is measured again that other work on the machine disturbed. */
  readonly disturbed_retries: number;
  /** The smallest difference from a reference that matters: 0.01 is 1 %. */
  readonly smallest_difference: number;
  /** Of the machine; null where nobody said. */
  readonly price_per_hour: number | null;
  readonly quality: ExperimentQuality | null;
  readonly warmup: number;
  readonly reference: Reference;
  readonly trust_remote_code: boolean;
  readonly workarounds: "auto" | "none";
  /** Null where the experiment does not ask for Slurm. No part of the plan: what is measured does not depend on it. */
  readonly slurm: SlurmSettings | null;
  readonly timeouts: {
    readonly heartbeat_sec: number;
    readonly start_sec: number;
    readonly load_sec: number;
    readonly warmup_sec: number;
    readonly measure_sec: number;
    readonly quality_sec: number;
    readonly unload_sec: number;
  };
}
