import { experimentJsonSchema } from "./json-schema.js";
import { pathName } from "./problems.js";
import type { Path } from "./yaml-source.js";

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** Names that people know from the libraries, and where the same thing is written here. */
const KEYS_FROM_ELSEWHERE: Readonly<Record<string, string>> = {
  torch_dtype: "matrix.dtype",
  device_map: "matrix.device",
  attn_implementation: "matrix.attention",
  load_in_4bit: "matrix.quantization: fp4",
  load_in_8bit: "matrix.quantization: int8",
  bnb_4bit_quant_type: "type",
  bnb_4bit_use_double_quant: "double_quant",
  bnb_4bit_compute_dtype: "compute_dtype",
  llm_int8_threshold: "threshold",
  llm_int8_skip_modules: "skip_modules",
  max_tokens: "max_new_tokens",
  do_sample: "generation.sampling",
  stop_strings: "generation.stop",
  stop_sequences: "generation.stop",
  stop_words: "generation.stop",
  stop_token_ids: "generation.eos_token_id",
  n_beams: "generation.num_beams",
  beam_size: "generation.num_beams",
  system_prompt: "generation.system",
  system_message: "generation.system",
  enable_thinking: "generation.chat_template_kwargs: {enable_thinking: …}",
  thinking: "generation.chat_template_kwargs: {enable_thinking: …}",
  apply_chat_template: "generation.chat_template",
  cache_implementation: "generation.cache",
  cache_config: "generation.cache",
  kv_cache: "generation.cache",
  torch_compile: "generation.compile: forward",
  compile_config: "generation.compile: forward",
  n_depth: "generation.depth",
  draft_model: "generation.assistant_model",
  num_speculative_tokens: "generation.num_assistant_tokens",
  num_repeats: "repeats",
  warmups: "warmup",
};

function branches(node: SchemaNode): readonly SchemaNode[] {
  return node.anyOf === undefined ? [node] : node.anyOf.flatMap(branches);
}

function nodesAt(path: Path): readonly SchemaNode[] {
  let nodes = branches(experimentJsonSchema() as SchemaNode);
  for (const segment of path) {
    nodes = nodes.flatMap((node) => {
      const inner = typeof segment === "number" ? node.items : node.properties?.[String(segment)];
      return inner === undefined ? [] : branches(inner);
    });
  }
  return nodes;
}

/** The keys that a mapping at `path` may have. */
export function keysAt(path: Path): readonly string[] {
  return [...new Set(nodesAt(path).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** Advice for a key as Transformers knows it, which may depend on its value. Null if there is none. */
export function meantByValue(key: string, value: unknown): string | null {
  if (key === "temperature" && value === 0)
    return "Write sampling: greedy, which is what temperature 0 means elsewhere.";
  if (key === "do_sample" && value === false)
    return "Write generation: {sampling: greedy}; it is the default.";
  if (key === "do_sample" && value === true) return "Write generation: {sampling: {temperature: 1}}.";
  if (key === "top_k" && value === -1) return "Write top_k: 0, which is off.";
  if (key === "num_return_sequences") return "Write repeats: each sampled repeat has its own seed.";
  return null;
}

/** Where a key that is wrong in `parent` would be right: `max_new_tokens` at the top belongs in `generation`. */
export function placeForKey(key: string, parent: Path): string | null {
  // Inside the mapping of a quantization, the method is given by its key `type`.
  if (key === "load_in_4bit" && parent.includes("quantization")) return "type: nf4 or type: fp4";
  const elsewhere = KEYS_FROM_ELSEWHERE[key];
  if (elsewhere !== undefined) return elsewhere;
  const sampling = ["generation", "sampling"];
  const places = [[], ["generation"], ["matrix"], sampling, ["timeouts"]];
  for (const place of parent[0] === "generation" ? [sampling, ...places] : places) {
    if (keysAt(place).includes(key)) return pathName([...place, key]);
  }
  return null;
}
