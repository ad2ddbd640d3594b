/** What one value of an axis means: the settings that it changes, and the settings that it matches. */
import { type Dtype, UNUSED_GENERATION } from "../protocol/configuration.js";
import { resolveDtype } from "../quantization/dtypes.js";
import {
  type QuantizationInput,
  type QuantizationMatch,
  resolveQuantization,
  resolveQuantizationMatch,
} from "../quantization/registry.js";
import { type AxisName, SAMPLING_PARTS, type SamplingInput } from "./axis-schemas.js";
import { type CacheInput, resolveCache } from "./cache-schema.js";
import type { ExperimentModel, Patch, Settings } from "./experiment.js";

export const DEFAULT_SAMPLING = { temperature: 1, top_k: 50, top_p: 1 } as const;
/** The sampling settings of greedy answers, which use none of them. */
export const NO_SAMPLING = {
  temperature: null,
  top_k: null,
  top_p: null,
  min_p: null,
  typical_p: null,
  epsilon_cutoff: null,
  eta_cutoff: null,
} as const;

/** The settings of a configuration where the file says nothing; `model` is always given. */
export const DEFAULT_SETTINGS: Omit<Settings, "model"> = {
  quantization: { method: "none" },
  dtype: "auto",
  device: "auto",
  attention: "auto",
  batch_size: 1,
  max_new_tokens: 32,
  max_length: null,
  min_new_tokens: null,
  sampling: "greedy",
  seed: 0,
  ...UNUSED_GENERATION,
  ...NO_SAMPLING,
  repetition_penalty: null,
  chat_template: "auto",
  truncate_prompts: "no",
};

/** The settings that a checked value of an axis changes. `model` is resolved elsewhere, because that may read a file. */
export function buildPatch(name: Exclude<AxisName, "model" | "assistant_model">, value: unknown): Patch {
  switch (name) {
    case "quantization":
      return { quantization: resolveQuantization(value as QuantizationInput) };
    case "dtype":
      return { dtype: resolveDtype(value as string) as Dtype };
    case "max_new_tokens":
      return { max_new_tokens: value as number, max_length: null };
    case "max_length":
      return { max_length: value as number, max_new_tokens: null };
    case "sampling":
      return resolveSampling(value as SamplingInput);
    case "truncate_prompts":
      return { truncate_prompts: resolveTruncation(value as boolean | "left") };
    default: {
      const isPart = name !== "seed" && (SAMPLING_PARTS as readonly string[]).includes(name);
      return { ...(isPart ? { sampling: "sample" } : {}), [name]: resolveLater(name, value) };
    }
  }
}

/** Normalizes a value, so that the same settings are the same data: off becomes null, and a single item becomes a list. */
function resolveLater(name: AxisName, value: unknown): unknown {
  switch (name) {
    case "stop":
    case "eos_token_id":
      return Array.isArray(value) ? value : [value];
    case "num_beams":
      return value === 1 ? null : value;
    case "cache":
      return resolveCache(value as CacheInput);
    case "compile":
      return value === "auto" ? null : value;
    case "depth":
    case "prompt_lookup_num_tokens":
      return value === 0 ? null : value;
    case "typical_p":
      return value === 1 ? null : value;
    case "system":
      return value === "" ? null : value;
    case "chat_template_kwargs":
      return Object.keys(value as object).length === 0 ? null : value;
    default:
      return value;
  }
}

function resolveTruncation(written: boolean | "left"): Settings["truncate_prompts"] {
  if (written === "left") return "left";
  return written ? "right" : "no";
}

function resolveSampling(input: SamplingInput): Patch {
  if (input === "greedy") return { sampling: "greedy", ...NO_SAMPLING };
  const { seed, ...rest } = input;
  const given = Object.fromEntries(
    Object.entries(rest)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, resolveLater(name as AxisName, value)]),
  );
  return {
    sampling: "sample",
    ...NO_SAMPLING,
    ...DEFAULT_SAMPLING,
    ...given,
    ...(seed === undefined ? {} : { seed }),
  };
}

/** What a checked value of an axis requires of a configuration's settings; settings that it does not name may be anything. */
export function matchPattern(
  name: AxisName,
  value: unknown,
  model: ExperimentModel | null,
): Readonly<Record<string, unknown>> {
  switch (name) {
    case "model":
      return { model: { source: model?.source } };
    case "quantization":
      return { quantization: resolveQuantizationMatch(value as QuantizationMatch) };
    case "dtype":
      return { dtype: resolveDtype(value as string) };
    case "sampling":
      return value === "greedy" ? { sampling: "greedy" } : { sampling: "sample", ...(value as object) };
    case "truncate_prompts":
      return { truncate_prompts: resolveTruncation(value as boolean | "left") };
    default:
      return { [name]: resolveLater(name, value) };
  }
}
