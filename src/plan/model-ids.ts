/** Tells which cells have the same model. */
import { sha256OfValue } from "../base/json.js";
import type { Settings } from "../experiment/experiment.js";

type Source = Settings["model"]["source"];

/** Returns a function that gives the same id for equal sources. Most cells share one source object, which is hashed only once. */
export function identifyModels(): (cell: Pick<Settings, "model">) => string {
  const known = new Map<Source, string>();
  return ({ model: { source } }) => {
    const id = known.get(source) ?? sha256OfValue(source);
    known.set(source, id);
    return id;
  };
}
