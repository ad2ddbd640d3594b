/** Short texts for the values of a configuration's axes: for labels, tables and charts. */

import type { Settings } from "../experiment/experiment.js";
import type { Cache, ModelSource } from "../protocol/configuration.js";
import { describeQuantization } from "../quantization/registry.js";

/** Every axis that a label may mention, in the order in which it mentions them. */
const TEXTS: Readonly<Record<string, (settings: Settings) => string>> = {
  model: ({ model }) => model.name,
  quantization: ({ quantization }) => describeQuantization(quantization),
  dtype: ({ dtype }) => unlessAuto(dtype),
  device: ({ device }) => unlessAuto(device),
  attention: ({ attention }) => unlessAuto(attention),
  batch_size: ({ batch_size }) => `batch ${batch_size}`,
  prompt_tokens: ({ prompt_tokens }) => (prompt_tokens === undefined ? "" : `prompt ${prompt_tokens}`),
  depth: ({ depth }) => `depth ${depth ?? 0}`,
  cache: ({ cache }) => describeCache(cache),
  compile: ({ compile }) => (compile === "forward" ? "compiled" : (compile ?? "") && "not compiled"),
  max_new_tokens: ({ max_new_tokens }) => named("max_new_tokens", max_new_tokens),
  max_length: ({ max_length }) => named("max_length", max_length),
  min_new_tokens: ({ min_new_tokens }) => named("min_new_tokens", min_new_tokens),
  sampling: ({ sampling }) => sampling,
  seed: ({ seed }) => named("seed", seed),
  temperature: ({ temperature }) => named("temperature", temperature),
  top_k: ({ top_k }) => named("top_k", top_k),
  top_p: ({ top_p }) => named("top_p", top_p),
  repetition_penalty: ({ repetition_penalty }) => named("repetition_penalty", repetition_penalty),
  min_p: ({ min_p }) => named("min_p", min_p),
  typical_p: ({ typical_p }) => named("typical_p", typical_p),
  epsilon_cutoff: ({ epsilon_cutoff }) => named("epsilon_cutoff", epsilon_cutoff),
  eta_cutoff: ({ eta_cutoff }) => named("eta_cutoff", eta_cutoff),
  num_beams: ({ num_beams }) => (num_beams === null ? "" : `${num_beams} beams`),
  prompt_lookup_num_tokens: ({ prompt_lookup_num_tokens: tokens }) =>
    tokens === null ? "" : `lookup ${tokens}`,
  assistant_model: ({ assistant_model: source }) =>
    source === null ? "" : `assistant ${nameSource(source)}`,
  num_assistant_tokens: ({ num_assistant_tokens: tokens }) => (tokens === null ? "" : `${tokens} drafts`),
  stop: ({ stop }) => named("stop", stop === null ? null : JSON.stringify(stop)),
  eos_token_id: ({ eos_token_id }) => named("eos", eos_token_id === null ? null : eos_token_id.join(",")),
  system: ({ system }) => named("system", system === null ? null : JSON.stringify(clip(system))),
  chat_template_kwargs: ({ chat_template_kwargs }) =>
    Object.entries(chat_template_kwargs ?? {})
      .map(([name, value]) => `${name}=${clip(typeof value === "string" ? value : JSON.stringify(value))}`)
      .join(" "),
  chat_template: ({ chat_template }) => named("chat_template", chat_template),
  truncate_prompts: ({ truncate_prompts }) => named("truncate_prompts", truncate_prompts),
};

export const AXES: readonly string[] = Object.keys(TEXTS);

/** A short name, such as the last part of a path or hub id, because the parts before it are seldom what tells models apart. */
export function nameSource(source: ModelSource): string {
  switch (source.source) {
    case "builtin":
      return source.name;
    case "hub":
      return source.repo.split("/").at(-1) ?? source.repo;
    case "path":
      return source.path.split("/").at(-1) || source.path;
    case "adapted":
      return nameSource(source.base);
    case "random":
      return `random ${String(source.config.model_type)}`;
  }
}

const USUAL_GROUP = 64;

/** `static cache`, `quanto 4-bit cache`; empty if the library decides. */
export function describeCache(cache: Cache | null): string {
  if (cache === null) return "";
  if (cache.type !== "quantized") return `${cache.type} cache`;
  const { backend, bits, group } = cache;
  return `${backend} ${bits}-bit cache${group === USUAL_GROUP ? "" : `, groups of ${group}`}`;
}

/** Empty for the default, because a label mentions only what was asked for. */
function unlessAuto(value: string): string {
  return value === "auto" ? "" : value;
}

/** Shortens a text, because a label is read at a glance. Labels that become equal are numbered. */
function clip(text: string): string {
  return text.length <= 24 ? text : `${text.slice(0, 23)}…`;
}

function named(name: string, value: string | number | null): string {
  return value === null ? "" : `${name}=${value}`;
}

/** The axes in which these settings differ from each other; `quantization` if they are all the same. */
export function varyingAxes(cells: readonly Settings[]): readonly string[] {
  const varying = Object.entries(TEXTS)
    .filter(([, text]) => new Set(cells.map(text)).size > 1)
    .map(([name]) => name);
  return varying.length > 0 ? varying : ["quantization"];
}

/** Axis → text for the given axes, without those whose text is empty. */
export function axisTexts(settings: Settings, axes: readonly string[]): Record<string, string> {
  const entries = axes.map((name): [string, string] => [name, TEXTS[name]?.(settings) ?? ""]);
  return Object.fromEntries(entries.filter(([, text]) => text !== ""));
}
