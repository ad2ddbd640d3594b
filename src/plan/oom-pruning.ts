/** Which configurations must run out of memory because a smaller one of their family did. */

import { sha256OfValue } from "../base/json.js";
import {
  computeOrderingBits,
  findLibrary,
  isQuantized,
  listSkippedModules,
} from "../quantization/registry.js";
import { withBuiltinPath } from "./builtin-model.js";
import type { PlanConfiguration } from "./plan-types.js";

/** What memory ran out for: the weights, a text that is equal for all as well, or the tokens of a generate. */
export type OutOfMemoryUse = "weights" | "text" | "tokens";

const DEVICE_MEMORY = "out-of-memory-device";
const MEMORY_CODES: ReadonlySet<string> = new Set([DEVICE_MEMORY, "out-of-memory-host"]);

export function isMemoryFailure(code: string): boolean {
  return MEMORY_CODES.has(code);
}

/**
 * Whether `candidate` needs at least as much memory as `failed` did, so that trying it can only fail as well: the same
 * model, dtype, device and attention kernel, weights of at least as many bits, and, where memory ran out for tokens, at
 * least as many of them, in prompts as in answers, at least as deep, in batches at least as large, in a cache of the same kind.
 * `code`: that of the failure.
 */
export function mustRunOutOfMemory(
  failed: PlanConfiguration,
  candidate: PlanConfiguration,
  use: OutOfMemoryUse,
  code: string,
): boolean {
  if (!isMemoryFailure(code) || hashFamily(failed) !== hashFamily(candidate)) return false;
  if (skippedModules(failed) !== skippedModules(candidate)) return false;
  // Of what is as stored nothing is known before a load: NaN is no less and no more than anything.
  if (!isOfSameLibrary(failed, candidate) || !(weightBits(candidate) >= weightBits(failed))) return false;
  if (code === DEVICE_MEMORY && mayBeOffloaded(failed, candidate)) return false;
  if (use === "text") return readsTextAlike(failed, candidate);
  return use === "weights" || hasAsManyTokens(failed, candidate);
}

/** Only under one library do bits tell which of two needs less; what is not quantized needs more than any. */
function isOfSameLibrary({ worker: failed }: PlanConfiguration, { worker }: PlanConfiguration): boolean {
  return (
    !isQuantized(worker.quantization) || findLibrary(worker.quantization) === findLibrary(failed.quantization)
  );
}

/** With `device: auto` what the device has no room for goes to the CPU, except of a quantized model. */
function mayBeOffloaded(failed: PlanConfiguration, candidate: PlanConfiguration): boolean {
  const { device, quantization } = candidate.worker;
  return device === "auto" && isQuantized(failed.worker.quantization) && !isQuantized(quantization);
}

/** What must be equal before sizes can be compared. */
function hashFamily({ worker, generation: { assistant_model: assistant } }: PlanConfiguration): string {
  return sha256OfValue({
    assistant: assistant === null ? null : withBuiltinPath(assistant, null),
    model: withBuiltinPath(worker.model, null),
    dtype: worker.dtype,
    device: worker.device,
    attention: worker.attention,
    trust_remote_code: worker.trust_remote_code,
    workarounds: worker.workarounds,
  });
}

function skippedModules({ worker }: PlanConfiguration): string {
  return listSkippedModules(worker.quantization).join("\n");
}

function weightBits({ worker }: PlanConfiguration): number {
  return computeOrderingBits(worker.quantization);
}

/** Through a quantized cache a text is read in steps, in other memory than in whole windows. */
function readsTextAlike(
  { generation: failed }: PlanConfiguration,
  { generation }: PlanConfiguration,
): boolean {
  const isQuantizedCache = [failed.cache, generation.cache].some((cache) => cache?.type === "quantized");
  return !isQuantizedCache || sha256OfValue(failed.cache) === sha256OfValue(generation.cache);
}

function hasAsManyTokens(
  { generation: failed, batch_size }: PlanConfiguration,
  candidate: PlanConfiguration,
): boolean {
  if (candidate.batch_size < batch_size) return false;
  if ((candidate.generation.num_beams ?? 1) < (failed.num_beams ?? 1)) return false;
  // What is compiled may keep memory that steps as they are do not need.
  if (failed.compile === "forward" && candidate.generation.compile !== "forward") return false;
  const { max_new_tokens, max_length, prompt_tokens, cache, depth } = candidate.generation;
  // A cache of another kind holds as many tokens in other bytes.
  if (sha256OfValue(cache) !== sha256OfValue(failed.cache) || (depth ?? 0) < (failed.depth ?? 0))
    return false;
  // Prompts as they are have any length.
  const isOtherPrompt = (prompt_tokens === undefined) !== (failed.prompt_tokens === undefined);
  if (isOtherPrompt || (prompt_tokens ?? 0) < (failed.prompt_tokens ?? 0)) return false;
  if (failed.max_new_tokens !== null) {
    return max_new_tokens !== null && max_new_tokens >= failed.max_new_tokens;
  }
  return max_length !== null && failed.max_length !== null && max_length >= failed.max_length;
}
