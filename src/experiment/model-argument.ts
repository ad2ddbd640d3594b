import { FalconErrorList } from "../base/errors.js";
import type { ModelSource } from "../protocol/configuration.js";
import { Problems } from "./problems.js";
import { readFileBounded } from "./read-text.js";
import { resolveModel } from "./resolve-model.js";
import { parseYaml } from "./yaml-source.js";

/**
 * A model as a command is given it: a name, hub id or folder as in an experiment file, or the path of a config.json,
 * which becomes a model without weights. Throws FalconError `experiment-model-unknown`.
 */
export async function resolveModelArgument(argument: string, folder: string): Promise<ModelSource> {
  const isConfig = argument.toLowerCase().endsWith(".json");
  const input = isConfig ? ({ config: argument, weights: "random" } as const) : argument;
  const problems = new Problems(parseYaml(`model: ${JSON.stringify(argument)}\n`, "MODEL"));
  const { source } = await resolveModel(input, ["model"], { problems, folder, readFile: readFileBounded });
  try {
    problems.throwIfAny();
  } catch (error) {
    // One argument has one problem.
    throw error instanceof FalconErrorList ? (error.errors[0] ?? error) : error;
  }
  return source;
}
