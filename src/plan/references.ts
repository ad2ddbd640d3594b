/** What each configuration is compared with: of its own model, and as alike as there is one. */
import { sha256OfValue } from "../base/json.js";
import type { Reference, Settings } from "../experiment/experiment.js";
import { isQuantized } from "../quantization/registry.js";
import { matches } from "./expand.js";

/**
 * Index of each configuration's reference, its own for a reference. It is of the same model, whatever another model's would
 * say. Where quantization varies it is the unquantized configuration that has all other axes equal; where there is none, the
 * model's first unquantized one, else its first. `named` says otherwise for the models that it finds a configuration of;
 * `namedIndex` is the one that a label names.
 */
export function chooseReferences(
  cells: readonly Settings[],
  named: Reference,
  namedIndex: number,
): readonly number[] {
  const models = cells.map(({ model }) => sha256OfValue(model.source));
  const others = cells.map(({ quantization: _, ...rest }) => sha256OfValue(rest));
  const isPlain = (index: number) => !isQuantized((cells[index] as Settings).quantization);
  const ofModel = new Map<string, readonly number[]>();
  for (const [index, model] of models.entries()) ofModel.set(model, [...(ofModel.get(model) ?? []), index]);
  return cells.map((_, index) => {
    const family = ofModel.get(models[index] ?? "") ?? [index];
    const chosen = findNamed(family, cells, named, namedIndex);
    if (chosen !== undefined) return chosen;
    const alike = family.filter((other) => others[other] === others[index]);
    const plainAlike = alike.length > 1 ? alike.find(isPlain) : undefined;
    return plainAlike ?? family.find(isPlain) ?? family[0] ?? index;
  });
}

function findNamed(
  family: readonly number[],
  cells: readonly Settings[],
  named: Reference,
  namedIndex: number,
): number | undefined {
  if (named.kind === "default") return undefined;
  if (named.kind === "label") return family.find((index) => index === namedIndex);
  return family.find((index) => matches(cells[index] as Settings, named.match));
}
