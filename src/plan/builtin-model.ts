/** The embedded model in a plan. Its folder differs from machine to machine, so a plan does not contain its path. */
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

/** Sets the folder of the embedded model, if the source is that model or an adapter on it; other sources stay unchanged. */
export function withBuiltinPath(model: ModelSource, path: string | null): ModelSource {
  if (model.source === "builtin") return { ...model, path };
  if (model.source !== "adapted" || model.base.source !== "builtin") return model;
  return { ...model, base: { ...model.base, path } };
}
