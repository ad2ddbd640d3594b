/** Chooses what each configuration is compared with: one of the same model, as similar as possible. */
import { canonicalJson } from "../base/json.js";
import type { Reference, Settings } from "../experiment/experiment.js";
import { isQuantized } from "../quantization/registry.js";
import { matches } from "./expand.js";
import { identifyModels } from "./model-ids.js";

/**
 * The index of each configuration's reference; a reference has its own index. A reference is always of the same model. If
 * quantization varies, it is the unquantized configuration that has all other axes equal; if there is none, the model's first
 * unquantized one, else its first. `named` overrides this for each model of which it matches a configuration; `namedIndex` is
 * the configuration that a label names.
 */
export function chooseReferences(
  cells: readonly Settings[],
  named: Reference,
  namedIndex: number,
): readonly number[] {
  const isPlain = (index: number) => !isQuantized((cells[index] as Settings).quantization);
  const choose = (family: readonly number[]) => family.find(isPlain) ?? family[0];
  const models = cells.map(identifyModels());
  const ofModel = groupIndexes(models);
  const chosenOfModel = mapValues(
    ofModel,
    (family) => findNamed(family, cells, named, namedIndex) ?? { fallback: choose(family) },
  );
  const others = cells.map(
    ({ quantization: _, model, ...rest }, index) => `${models[index]} ${model.name} ${canonicalJson(rest)}`,
  );
  const plainAlike = mapValues(groupIndexes(others), (alike) =>
    alike.length > 1 ? alike.find(isPlain) : undefined,
  );
  return cells.map((_, index) => {
    const chosen = chosenOfModel.get(models[index] ?? "");
    if (typeof chosen === "number") return chosen;
    return plainAlike.get(others[index] ?? "") ?? chosen?.fallback ?? index;
  });
}

function groupIndexes(keys: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const groups = new Map<string, number[]>();
  for (const [index, key] of keys.entries()) {
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [index]);
    else known.push(index);
  }
  return groups;
}

function mapValues<V, R>(map: ReadonlyMap<string, V>, of: (value: V) => R): ReadonlyMap<string, R> {
  return new Map([...map].map(([key, value]) => [key, of(value)]));
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
