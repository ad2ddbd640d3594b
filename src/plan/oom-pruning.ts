/** Tells which configurations must run out of memory because a smaller one of their family did. */

import { sha256OfValue } from "../base/json.js";
import type { Generation } from "../protocol/configuration.js";
import {
  computeOrderingBits,
  findLibrary,
  isQuantized,
  listSkippedModules,
} from "../quantization/registry.js";
import { withBuiltinPath } from "./builtin-model.js";
import type { PlanConfiguration } from "./plan-types.js";

/** What memory ran out for: the weights, an evaluation text (equal for all configurations), or the tokens of a generate. */
export type OutOfMemoryUse = "weights" | "text" | "tokens";

const DEVICE_MEMORY = "out-of-memory-device";
const MEMORY_CODES: ReadonlySet<string> = new Set([DEVICE_MEMORY, "out-of-memory-host"]);

export function isMemoryFailure(code: string): boolean {
  return MEMORY_CODES.has(code);
}

/**
 * Whether `candidate` needs at least as much memory as `failed` did, so that trying it can only fail as well. It must have the
 * same model, dtype, device and attention kernel, and weights of at least as many bits. If memory ran out for tokens, it must
 * also have at least as many of them in prompts and in answers that end for the same reasons, at least the same depth, batches at
 * least as large, and a cache of the same kind. `code`: the code of the failure.
 */
export function mustRunOutOfMemory(
  failed: PlanConfiguration,
  candidate: PlanConfiguration,
  use: OutOfMemoryUse,
  code: string,
): boolean {
  if (!isMemoryFailure(code) || hashFamily(failed) !== hashFamily(candidate)) return false;
  if (skippedModules(failed) !== skippedModules(candidate)) return false;
  // The bits of as-stored weights are unknown before a load: NaN, which is neither less nor greater than anything.
  if (!isOfSameLibrary(failed, candidate) || !(weightBits(candidate) >= weightBits(failed))) return false;
  if (code === DEVICE_MEMORY && mayBeOffloaded(failed, candidate)) return false;
  if (use === "text") return readsTextAlike(failed, candidate);
  return use === "weights" || hasAsManyTokens(failed, candidate);
}

/** Bits tell which of two needs less memory only within the same library; an unquantized model needs more than any. */
function isOfSameLibrary({ worker: failed }: PlanConfiguration, { worker }: PlanConfiguration): boolean {
  return (
    !isQuantized(worker.quantization) || findLibrary(worker.quantization) === findLibrary(failed.quantization)
  );
}

/** With `device: auto`, whatever does not fit on the device goes to the CPU, unless the model is quantized. */
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

/** Whether both need the same memory for a text: with a quantized cache it is read in steps, which needs other memory. */
function readsTextAlike(
  { generation: failed }: PlanConfiguration,
  { generation }: PlanConfiguration,
): boolean {
  const isQuantizedCache = [failed.cache, generation.cache].some((cache) => cache?.type === "quantized");
  return !isQuantizedCache || sha256OfValue(failed.cache) === sha256OfValue(generation.cache);
}

/** Whether neither a shorter prompt nor an earlier end can make the candidate's answer need fewer tokens. */
function isAskedAlike(failed: Generation, candidate: Generation): boolean {
  const choose = (one: Generation) => ({
    system: one.system,
    chat_template: one.chat_template,
    chat_template_kwargs: one.chat_template_kwargs,
    truncate_prompts: one.truncate_prompts,
    stop: one.stop,
    eos_token_id: one.eos_token_id,
    prompt_lookup_num_tokens: one.prompt_lookup_num_tokens,
  });
  if (sha256OfValue(choose(failed)) !== sha256OfValue(choose(candidate))) return false;
  // A prompt is cut to what the answer leaves: one token more of the answer is one less of the prompt.
  const isCut = candidate.truncate_prompts !== "no" && candidate.max_new_tokens !== failed.max_new_tokens;
  return !isCut && (candidate.min_new_tokens ?? 0) >= (failed.min_new_tokens ?? 0);
}

function hasAsManyTokens(
  { generation: failed, batch_size }: PlanConfiguration,
  candidate: PlanConfiguration,
): boolean {
  if (candidate.batch_size < batch_size) return false;
  if ((candidate.generation.num_beams ?? 1) < (failed.num_beams ?? 1)) return false;
  if (!isAskedAlike(failed, candidate.generation)) return false;
  // A compiled forward pass may keep memory that an uncompiled one does not need.
  if (failed.compile === "forward" && candidate.generation.compile !== "forward") return false;
  const { max_new_tokens, max_length, prompt_tokens, cache, depth } = candidate.generation;
  // A cache of another kind needs a different number of bytes for the same tokens.
  if (sha256OfValue(cache) !== sha256OfValue(failed.cache) || (depth ?? 0) < (failed.depth ?? 0))
    return false;
  // Without `prompt_tokens`, prompts may have any length.
  const isOtherPrompt = (prompt_tokens === undefined) !== (failed.prompt_tokens === undefined);
  if (isOtherPrompt || (prompt_tokens ?? 0) < (failed.prompt_tokens ?? 0)) return false;
  if (failed.max_new_tokens !== null) {
    return max_new_tokens !== null && max_new_tokens >= failed.max_new_tokens;
  }
  return max_length !== null && failed.max_length !== null && max_length >= failed.max_length;
}
