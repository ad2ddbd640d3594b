/** Which cells are of the same model. */
import { sha256OfValue } from "../base/json.js";
import type { Settings } from "../experiment/experiment.js";

type Source = Settings["model"]["source"];

/** One for equal sources. Cells mostly share the source itself, so that it is looked at once. */
export function identifyModels(): (cell: Pick<Settings, "model">) => string {
  const known = new Map<Source, string>();
  return ({ model: { source } }) => {
    const id = known.get(source) ?? sha256OfValue(source);
    known.set(source, id);
    return id;
  };
}
