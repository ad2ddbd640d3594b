/** The embedded model in a plan: it lies elsewhere on each machine, so a plan holds no path of it. */
import type { ModelSource } from "../protocol/configuration.js";
import type { Plan } from "./plan-types.js";

export function needsBuiltinModel(plan: Plan): boolean {
  return plan.configurations.some(
    ({ worker: { model }, generation: { assistant_model: assistant } }) =>
      isBuiltin(model) || (assistant !== null && isBuiltin(assistant)),
  );
}

export function isBuiltin(model: ModelSource): boolean {
  return model.source === "builtin" || (model.source === "adapted" && model.base.source === "builtin");
}

/** The same source with the folder of the embedded model, where it is that or an adapter on it. */
export function withBuiltinPath(model: ModelSource, path: string | null): ModelSource {
  if (model.source === "builtin") return { ...model, path };
  if (model.source !== "adapted" || model.base.source !== "builtin") return model;
  return { ...model, base: { ...model.base, path } };
}
