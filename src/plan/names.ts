import type { Settings } from "../experiment/experiment.js";
import { axisTexts } from "./axis-text.js";

/** Leaves room for the other parts of a file name. */
const LONGEST_ID = 80;

export interface ConfigurationName {
  /** Unique in the plan, safe in file names. */
  readonly id: string;
  /** Unique in the plan, for people: what distinguishes this configuration from the others. */
  readonly label: string;
  readonly axes: Readonly<Record<string, string>>;
}

/** Names for all configurations of a plan: `none`, `fp4 eager`; equal ones are numbered. */
export function nameConfigurations(
  cells: readonly Settings[],
  axes: readonly string[],
): readonly ConfigurationName[] {
  const labels = new Map<string, number>();
  const ids = new Map<string, number>();
  return cells.map((cell) => {
    const texts = axisTexts(cell, axes);
    const label = unique(Object.values(texts).join(" ") || "default", labels, " #");
    return { id: unique(slug(label), ids, "-"), label, axes: texts };
  });
}

function unique(name: string, used: Map<string, number>, separator: string): string {
  const count = (used.get(name) ?? 0) + 1;
  used.set(name, count);
  if (count === 1) return name;
  return unique(`${name}${separator}${count}`, used, separator);
}

/** `SmolLM2 fp4 max_new_tokens=8` → `smollm2-fp4-max_new_tokens-8`. */
function slug(label: string): string {
  const plain = label.toLowerCase().replaceAll(/[^a-z0-9_.]+/g, "-");
  return plain.replaceAll(/^[-.]+|[-.]+$/g, "").slice(0, LONGEST_ID) || "configuration";
}
