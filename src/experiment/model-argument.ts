import { FalconErrorList } from "../base/errors.js";
import type { ModelSource } from "../protocol/configuration.js";
import { Problems } from "./problems.js";
import { readFileBounded } from "./read-text.js";
import { resolveModel } from "./resolve-model.js";
import { parseYaml } from "./yaml-source.js";

/**
 * Resolves a model given as a command's argument: a name, hub id or folder as in an experiment file, or the path of a
 * config.json, which becomes a model without weights. Throws FalconError `experiment-model-unknown`.
 */
export async function resolveModelArgument(argument: string, folder: string): Promise<ModelSource> {
  const isConfig = argument.toLowerCase().endsWith(".json");
  const input = isConfig ? ({ config: argument, weights: "random" } as const) : argument;
  const problems = new Problems(parseYaml(`model: ${JSON.stringify(argument)}\n`, "MODEL"));
  const { source } = await resolveModel(input, ["model"], { problems, folder, readFile: readFileBounded });
  try {
    problems.throwIfAny();
  } catch (error) {
    // A single argument has a single problem, so no list is needed.
    throw error instanceof FalconErrorList ? (error.errors[0] ?? error) : error;
  }
  return source;
}
