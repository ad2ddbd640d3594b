/** Names that tell models apart: if two have the same name, what differs between them is added. */
import { canonicalJson } from "../base/json.js";
import type { ExperimentModel, Settings } from "../experiment/experiment.js";
import { identifyModels } from "./model-ids.js";

/** More would make a label that nobody reads. */
const MOST_DIFFERENCES = 2;

/** The same cells, but different models that share a name get longer names, or numbers if that does not tell them apart. */
export function nameModelsApart(cells: readonly Settings[]): readonly Settings[] {
  const identify = identifyModels();
  const models = new Map<string, ExperimentModel>();
  for (const cell of cells) models.set(identify(cell), cell.model);
  const byName = new Map<string, [id: string, model: ExperimentModel][]>();
  for (const [id, model] of models) byName.set(model.name, [...(byName.get(model.name) ?? []), [id, model]]);
  const names = new Map<string, string>();
  for (const [name, same] of byName) {
    if (same.length < 2) continue;
    const leaves = same.map(([, { source }]) => listLeaves(source));
    const keys = [...new Set(leaves.flatMap((one) => [...one.keys()]))];
    const differing = keys.filter((key) => new Set(leaves.map((one) => one.get(key))).size > 1);
    const longer = leaves.map((one) =>
      differing
        .slice(0, MOST_DIFFERENCES)
        .map((key) => `${key.split(".").at(-1)}=${one.get(key) ?? "none"}`)
        .join(" "),
    );
    const isTold = new Set(longer).size === longer.length;
    for (const [index, [id]] of same.entries()) {
      names.set(id, `${name} ${isTold ? longer[index] : `(${index + 1})`}`);
    }
  }
  return cells.map((cell) => {
    const name = names.get(identify(cell));
    return name === undefined ? cell : { ...cell, model: { ...cell.model, name } };
  });
}

/** Path of keys → value as text, for every value that is not a mapping. */
function listLeaves(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Map([[path, typeof value === "string" ? value : canonicalJson(value ?? null)]]);
  }
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...listLeaves(inner, path === "" ? key : `${path}.${key}`),
    ]),
  );
}
