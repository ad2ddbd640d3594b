/** An experiment file with every shorthand resolved and every path absolute: read-only data without behavior. */
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
  /** The number of prompts that one `generate` answers together. */
  readonly batch_size: number;
};

/** One value of an axis: the settings that it changes. */
export type Patch = Partial<Settings>;

export interface MatrixAxis {
  readonly name: AxisName;
  readonly values: readonly Patch[];
}

/** One axis of a match. It matches a configuration that has all the settings of at least one entry of `anyOf`. */
export interface MatchAxis {
  readonly name: AxisName;
  readonly anyOf: readonly Readonly<Record<string, unknown>>[];
}

/** Matches a configuration that every axis matches. */
export interface Match {
  readonly axes: readonly MatchAxis[];
  readonly place: SourcePlace | null;
}

/** A configuration listed under `include`: its axes, in the order in which they are applied. */
export interface IncludedCell {
  readonly patches: readonly { readonly name: AxisName; readonly patch: Patch }[];
  readonly place: SourcePlace | null;
}

export interface ExperimentModel {
  readonly source: ModelSource;
  /** As written, for titles. */
  readonly name: string;
  /** What a reader must know about the model. Null if there is nothing to know. */
  readonly note: string | null;
}

export interface Prompt {
  readonly id: string;
  /** A text or a conversation. */
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
  /** Whether the code and templates in `include_path` may run. */
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

/** Repeats until the decode rate's interval, both sides together, is at most `width` × the rate, or until `most` are done. */
export interface AutoRepeats {
  readonly width: number;
  readonly fewest: number;
  readonly most: number;
}

export interface Experiment {
  readonly name: string;
  readonly description: string | null;
  readonly prompts: readonly Prompt[];
  /** The settings of a configuration, unless matrix or include changes them. */
  readonly base: Settings;
  /** In the order written; the last varies fastest. */
  readonly matrix: readonly MatrixAxis[];
  readonly exclude: readonly Match[];
  readonly include: readonly IncludedCell[];
  /** Repeats per round; the maximum if `auto_repeats` decides. */
  readonly repeats: number;
  readonly auto_repeats: AutoRepeats | null;
  /** How often each configuration is loaded and measured. Null if the file does not say. */
  readonly rounds: number | null;
  readonly order_seed: number;
  /** A configuration that is also measured at start, middle and end, to show drift; null if there is none. */
  readonly sentinel: Reference | null;
  /** Whether the time spent in linear layers is also measured separately. */
  readonly profile: boolean;
  /** Whether to skip configurations that must run out of memory because a smaller one did. */
  readonly skip_implied: boolean;
  /** How often a configuration is retried after a failure that may be temporary. */
  readonly retries: number;
  /** How often a trial that was disturbed by other work on the machine is measured again. */
  readonly disturbed_retries: number;
  /** The smallest difference from a reference that matters: 0.01 is 1 %. */
  readonly smallest_difference: number;
  /** The price of the machine. Null if it is not given. */
  readonly price_per_hour: number | null;
  readonly quality: ExperimentQuality | null;
  readonly warmup: number;
  readonly reference: Reference;
  readonly trust_remote_code: boolean;
  readonly workarounds: "auto" | "none";
  /** Null if the experiment does not ask for Slurm. Not part of the plan, because what is measured does not depend on it. */
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
