/** Which extras of the managed environment a plan needs. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plan, PlanConfiguration } from "../plan/plan-types.js";
import type { Cache } from "../protocol/configuration.js";
import type { Extra } from "../python-env/state-file.js";
import { findCheckpoint, findStoredExtra, isAsStored, listMethodExtras } from "../quantization/registry.js";

export async function findExtras(plan: Plan): Promise<readonly Extra[]> {
  const stored = await Promise.all(plan.configurations.map(findExtraOfFiles));
  const found: readonly Extra[] = [
    ...(plan.header.quality?.lm_eval ? (["lm-eval"] as const) : []),
    ...(plan.configurations.some(({ worker }) => worker.model.source === "adapted")
      ? (["peft"] as const)
      : []),
    ...(plan.configurations.some(({ generation: { cache } }) => usesQuanto(cache))
      ? (["quanto"] as const)
      : []),
    ...listMethodExtras(plan.configurations.map(({ worker }) => worker.quantization)),
    ...stored.flatMap((extra) => extra ?? []),
  ];
  return [...new Set(found)];
}

function usesQuanto(cache: Cache | null): boolean {
  return cache?.type === "quantized" && cache.backend === "quanto";
}

/** The extra that reads a checkpoint in a folder. For one on a hub, the worker says what is missing once its files are here. */
async function findExtraOfFiles({ worker }: PlanConfiguration): Promise<Extra | null> {
  if (!isAsStored(worker.quantization)) return null;
  const source = findCheckpoint(worker.quantization) ?? worker.model;
  if (source.source !== "path") return null;
  try {
    const config = JSON.parse(await readFile(join(source.path, "config.json"), "utf8"));
    return findStoredExtra(
      (config.quantization_config ?? config.text_config?.quantization_config)?.quant_method,
    );
  } catch {
    // The worker says what is wrong with the folder.
    return null;
  }
}
