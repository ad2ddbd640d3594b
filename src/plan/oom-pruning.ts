/** Which configurations must run out of memory because a smaller one of their family did. */

import { sha256OfValue } from "../base/canonical.js";
import type { ModelSource, Quantization } from "../protocol/configuration.js";
import type { PlanConfiguration } from "./plan-types.js";

/** Where memory ran out: while loading, only the weights count; later, the tokens as well. */
export type OutOfMemoryPhase = "load" | "run";

/**
 * Whether `candidate` needs at least as much memory as `failed` did, so that trying it can only fail as well: the same
 * model, dtype, device and attention kernel, weights of at least as many bits, and, where memory ran out in a
 * generate, at least as many tokens.
 */
export function mustRunOutOfMemory(
  failed: PlanConfiguration,
  candidate: PlanConfiguration,
  phase: OutOfMemoryPhase,
): boolean {
  if (hashFamily(failed) !== hashFamily(candidate)) return false;
  if (skippedModules(failed) !== skippedModules(candidate)) return false;
  if (weightRank(candidate.worker.quantization) < weightRank(failed.worker.quantization)) return false;
  return phase === "load" || hasAsManyTokens(failed, candidate);
}

/** What must be equal before sizes can be compared. */
function hashFamily({ worker }: PlanConfiguration): string {
  return sha256OfValue({
    model: withoutLocalPath(worker.model),
    dtype: worker.dtype,
    device: worker.device,
    attention: worker.attention,
    trust_remote_code: worker.trust_remote_code,
    workarounds: worker.workarounds,
  });
}

function withoutLocalPath(model: ModelSource): ModelSource {
  return model.source === "builtin" ? { ...model, path: null } : model;
}

function skippedModules({ worker: { quantization } }: PlanConfiguration): string {
  return quantization.method === "none" ? "" : (quantization.skip_modules ?? []).join("\n");
}

/** More is larger: 4 bits with constants quantized, 4 bits, 8 bits, unquantized. */
function weightRank(quantization: Quantization): number {
  if (quantization.method === "none") return 3;
  if (quantization.method === "int8") return 2;
  return quantization.double_quant ? 0 : 1;
}

function hasAsManyTokens({ generation: failed }: PlanConfiguration, candidate: PlanConfiguration): boolean {
  const { max_new_tokens, max_length } = candidate.generation;
  if (failed.max_new_tokens !== null) {
    return max_new_tokens !== null && max_new_tokens >= failed.max_new_tokens;
  }
  return max_length !== null && failed.max_length !== null && max_length >= failed.max_length;
}
