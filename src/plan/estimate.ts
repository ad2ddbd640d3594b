/** Memory of a configuration before it runs, by parts, from the model's shape alone (docs/estimate.md). */
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
/** What a CUDA context takes of a GPU before anything is allocated; differs by card and driver. */
const CUDA_CONTEXT_BYTES = 600_000_000;
/** What Python with its libraries takes of the memory before a model is loaded: 319 MB in the runs in results/example. */
const PROCESS_BYTES = 320_000_000;
/** For models without an own limit. */
const MOST_TOKENS = 2 ** 40;

export interface EstimateInput {
  readonly shape: ModelShape;
  readonly quantization: Quantization;
  /** `auto` = as stored with the model. */
  readonly dtype: string;
  /** Prompt and answer together, of the longest row of a batch. */
  readonly tokens: number;
  /** Rows; 1 where it is left out. */
  readonly batch?: number;
  /** As asked for; null and left out: as the model's own code has it. */
  readonly cache?: Cache | null;
  /** Of the tokens those that a quantized cache keeps as they are; half of the most where it is left out. */
  readonly unquantizedTokens?: number;
  readonly device: "cpu" | "cuda";
  /** Of the process before its load, where that was measured; only what runs on the CPU shares its memory with it. */
  readonly processBytes?: number;
}

export interface Estimate {
  /** Parameters, quantization state and buffers, as `weights_bytes` is measured. */
  readonly weights_bytes: number;
  readonly kv_cache_bytes: number;
  readonly activation_bytes: number;
  readonly cuda_context_bytes: number;
  /** Of the process before its load; 0 on a GPU. */
  readonly process_bytes: number;
  /** Of the allocator: all but context and process. */
  readonly allocated_bytes: number;
  /** What has to fit: on a CPU the process's peak resident memory, as it is measured. */
  readonly total_bytes: number;
}

/** Only where `canEstimate` says so: of some quantizations a load alone tells what the weights take. */
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

/** `skip_modules` is left out: a module's name is not in the shape, so its layers count as quantized. */
export function estimateWeights({ shape, quantization, dtype }: WeightsInput): number {
  const perElement = dtypeBytes(dtype, shape);
  const rest = shape.other_parameters * perElement + shape.buffer_bytes;
  return shape.quantizable_layers.reduce(
    (sum, { count, ...layer }) => sum + count * estimateLayerBytes(layer, quantization, perElement),
    rest,
  );
}

type CacheInput = Pick<EstimateInput, "shape" | "dtype" | "tokens" | "batch" | "cache" | "unquantizedTokens">;

/** When so many are unquantized, all of a quantized cache is packed anew. */
const MOST_UNQUANTIZED_TOKENS = 128;

/** How many tokens a quantized cache keeps as they are when an answer ends: what it was first given is packed at once. */
export function countUnquantizedTokens(trial: {
  readonly depth: number;
  readonly prompt: number;
  readonly answer: number;
}): number {
  const { depth, prompt, answer } = trial;
  const behindDepth = depth > 0 && prompt < MOST_UNQUANTIZED_TOKENS ? prompt : 0;
  // The answer's last token is never read.
  return (behindDepth + Math.max(0, answer - 1)) % MOST_UNQUANTIZED_TOKENS;
}

/**
 * What the model's own code keeps of so many tokens in every row, padding as well; records made before the shape told that know
 * one figure a token.
 */
function estimateCache({ shape, dtype, tokens, batch = 1, cache = null, ...rest }: CacheInput): number {
  const perElement = dtypeBytes(dtype, shape);
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

/** One layer's hidden states and the two halves of its feed-forward part, while the prompt is read. */
function activationBytesPerToken({ shape, dtype }: WeightsInput): number {
  return (4 * shape.hidden_size + 2 * shape.intermediate_size) * dtypeBytes(dtype, shape);
}

/** Each row's last token's logits, also in float32; and the widest layer's weights, where they are unpacked to compute. */
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
 * The most tokens, prompt and answer together, with which a configuration stays within `memoryBytes`; at most the
 * model's own context. Null where not even one token fits.
 */
export function longestContext(input: Omit<EstimateInput, "tokens">, memoryBytes: number): number | null {
  const fits = (tokens: number) => estimate({ ...input, tokens }).total_bytes <= memoryBytes;
  if (!fits(1)) return null;
  // Windows fill up, so what another token takes changes; that it never takes less is enough to search by.
  let most = 1;
  let tooMany = (input.shape.context_tokens ?? MOST_TOKENS) + 1;
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (fits(middle)) most = middle;
    else tooMany = middle;
  }
  return most;
}
