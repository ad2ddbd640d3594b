/** Estimates a configuration's memory before it runs, part by part, from the model's shape alone (docs/estimate.md). */
import type { Cache } from "../protocol/configuration.js";
import type { ModelShape } from "../protocol/measurements.js";
import { estimateLayerBytes, findUnpackedDtype, type Quantization } from "../quantization/registry.js";

const BYTES_BY_DTYPE: Readonly<Record<string, number>> = {
  float32: 4,
  bfloat16: 2,
  float16: 2,
  float8_e4m3fn: 1,
  float8_e5m2: 1,
};
const FLOAT32_BYTES = 4;
/** The GPU memory that a CUDA context takes before anything is allocated; it differs by card and driver. */
const CUDA_CONTEXT_BYTES = 600_000_000;
/** The memory that Python and its libraries take before a model is loaded: 319 MB in the runs in results/example. */
const PROCESS_BYTES = 320_000_000;
/** For models without a limit of their own. */
const MOST_TOKENS = 2 ** 40;

export interface EstimateInput {
  readonly shape: ModelShape;
  readonly quantization: Quantization;
  /** `auto` = as stored with the model. */
  readonly dtype: string;
  /** Prompt and answer together, in the longest row of a batch. */
  readonly tokens: number;
  /** The number of rows; 1 if left out. */
  readonly batch?: number;
  /** The cache that was asked for; null or left out: the one that the model's own code uses. */
  readonly cache?: Cache | null;
  /** How many of the tokens a quantized cache keeps unquantized; half of the maximum if left out. */
  readonly unquantizedTokens?: number;
  /** How many tokens a static cache has room for in every row; as many as there are if left out. */
  readonly roomTokens?: number;
  readonly device: "cpu" | "cuda";
  /** Memory of the process before the load, if it was measured. Only a model on the CPU shares its memory with the process. */
  readonly processBytes?: number;
}

export interface Estimate {
  /** Parameters, quantization state and buffers, like the measured `weights_bytes`. */
  readonly weights_bytes: number;
  readonly kv_cache_bytes: number;
  readonly activation_bytes: number;
  readonly cuda_context_bytes: number;
  /** Memory of the process before the load; 0 on a GPU. */
  readonly process_bytes: number;
  /** Memory of the allocator: everything except context and process. */
  readonly allocated_bytes: number;
  /** What has to fit; on a CPU this is the process's peak resident memory, as it is measured. */
  readonly total_bytes: number;
}

/** Estimates memory. Only valid if `canEstimate` says so: for some quantizations, only a load shows what the weights take. */
export function estimate(input: EstimateInput): Estimate {
  const weights_bytes = estimateWeights(input);
  const kv_cache_bytes = estimateCache(input);
  const { tokens, batch = 1 } = input;
  const activation_bytes = fixedActivationBytes(input) + batch * tokens * activationBytesPerToken(input);
  const cuda_context_bytes = input.device === "cuda" ? CUDA_CONTEXT_BYTES : 0;
  const process_bytes = input.device === "cpu" ? (input.processBytes ?? PROCESS_BYTES) : 0;
  const allocated_bytes = weights_bytes + kv_cache_bytes + activation_bytes;
  return {
    weights_bytes,
    kv_cache_bytes,
    activation_bytes,
    cuda_context_bytes,
    process_bytes,
    allocated_bytes,
    total_bytes: allocated_bytes + cuda_context_bytes + process_bytes,
  };
}

type WeightsInput = Pick<EstimateInput, "shape" | "quantization" | "dtype">;

/** Ignores `skip_modules`: the names of modules are not in the shape, so skipped layers count as quantized. */
export function estimateWeights({ shape, quantization, dtype }: WeightsInput): number {
  const perElement = dtypeBytes(dtype, shape);
  const rest = shape.other_parameters * perElement + shape.buffer_bytes;
  return shape.quantizable_layers.reduce(
    (sum, { count, ...layer }) => sum + count * estimateLayerBytes(layer, quantization, perElement),
    rest,
  );
}

type CacheInput = Pick<
  EstimateInput,
  "shape" | "dtype" | "tokens" | "batch" | "cache" | "unquantizedTokens" | "roomTokens"
>;

/** Once this many tokens are unquantized, a quantized cache is quantized anew as a whole. */
const MOST_UNQUANTIZED_TOKENS = 128;
/** How many tokens at a time the worker reads into a cache for `depth` (`_STEP` in trial/depth.py). */
const DEPTH_STEP_TOKENS = 2048;

/** How many tokens are still unquantized in a quantized cache when an answer ends. Its first tokens are quantized at once. */
export function countUnquantizedTokens(trial: {
  readonly depth: number;
  readonly prompt: number;
  readonly answer: number;
}): number {
  const { depth, prompt, answer } = trial;
  const ofDepth = depth > DEPTH_STEP_TOKENS ? keepUnquantized(depth % DEPTH_STEP_TOKENS) : 0;
  const ofPrompt = depth > 0 ? keepUnquantized(ofDepth + prompt) : 0;
  // The answer's tokens come one by one, and its last is never fed back to the model.
  return (ofPrompt + Math.max(0, answer - 1)) % MOST_UNQUANTIZED_TOKENS;
}

/** How many of so many unquantized tokens stay so: all, or none once they are quantized together. */
const keepUnquantized = (tokens: number) => (tokens < MOST_UNQUANTIZED_TOKENS ? tokens : 0);

/**
 * The bytes that the model's own code keeps for this many tokens in every row, padding included. Older records do not have this
 * part of the shape, only a single figure per token.
 */
function estimateCache({ shape, dtype, batch = 1, cache = null, ...rest }: CacheInput): number {
  const perElement = dtypeBytes(dtype, shape);
  const tokens = cache?.type === "static" ? (rest.roomTokens ?? rest.tokens) : rest.tokens;
  if (cache?.type === "quantized") {
    // A scale and a shift for each group.
    const quantized = cache.bits / 8 + (2 * perElement) / cache.group;
    const newest = Math.min(tokens, rest.unquantizedTokens ?? MOST_UNQUANTIZED_TOKENS / 2);
    const perToken = shape.cache?.elements_per_token ?? shape.kv_elements_per_token;
    return batch * perToken * ((tokens - newest) * quantized + newest * perElement);
  }
  if (shape.cache === null) return batch * tokens * shape.kv_elements_per_token * perElement;
  const { elements_per_token, windows, fixed_elements, fixed_bytes } = shape.cache;
  const inWindows = windows.reduce(
    (sum, window) => sum + Math.min(tokens, window.tokens) * window.elements_per_token,
    0,
  );
  return batch * ((tokens * elements_per_token + inWindows + fixed_elements) * perElement + fixed_bytes);
}

/** The hidden states of one layer and the two halves of its feed-forward part during prefill. */
function activationBytesPerToken({ shape, dtype }: WeightsInput): number {
  return (4 * shape.hidden_size + 2 * shape.intermediate_size) * dtypeBytes(dtype, shape);
}

/** The logits of each row's last token, also in float32, and the weights of the widest layer if they are unpacked to compute. */
function fixedActivationBytes({ shape, quantization, dtype, batch = 1 }: EstimateInput): number {
  const perElement = dtypeBytes(dtype, shape);
  const logits = batch * shape.vocabulary * (perElement + FLOAT32_BYTES);
  const unpacked = findUnpackedDtype(quantization);
  if (unpacked === null) return logits;
  const widest = Math.max(
    0,
    ...shape.quantizable_layers.map(({ in_features, out_features }) => in_features * out_features),
  );
  return logits + widest * dtypeBytes(unpacked === "auto" ? dtype : unpacked, shape);
}

function dtypeBytes(dtype: string, shape: ModelShape): number {
  return BYTES_BY_DTYPE[dtype === "auto" ? shape.dtype : dtype] ?? FLOAT32_BYTES;
}

/**
 * The largest number of tokens, prompt and answer together, with which a configuration stays within `memoryBytes`; at most
 * the model's own context. Null if not even one token fits.
 */
export function longestContext(input: Omit<EstimateInput, "tokens">, memoryBytes: number): number | null {
  const fits = (tokens: number) => estimate({ ...input, tokens }).total_bytes <= memoryBytes;
  if (!fits(1)) return null;
  // Windows fill up, so the memory per further token changes; but the total never shrinks, which is enough for the search.
  let most = 1;
  let tooMany = (input.shape.context_tokens ?? MOST_TOKENS) + 1;
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (fits(middle)) most = middle;
    else tooMany = middle;
  }
  return most;
}
