/**
 * Slices of a plan: what one task measures, alone, on one machine. A configuration and its reference are never separated,
 * because a ratio between two machines says nothing about a quantization.
 */
import { type Plan, type PlanConfiguration, referenceIdOf } from "./plan-types.js";

/** `2/4`: the third of four. Numbers begin at 0, like those of array tasks and indexed jobs. */
export interface Slice {
  readonly index: number;
  readonly count: number;
}

/** Reads a slice such as `2/4`. Null if the text is not a slice. */
export function parseSlice(text: string): Slice | null {
  const [, index, count] = /^(\d{1,6})\/([1-9]\d{0,5})$/.exec(text) ?? [];
  const slice = { index: Number(index), count: Number(count) };
  return slice.index < slice.count ? slice : null;
}

/** `2of4`: part of a folder's name. */
export function nameSlice({ index, count }: Slice): string {
  return `${index}of${count}`;
}

/**
 * Splits a plan into its smallest parts, in the plan's order: each is a reference with everything that is compared with it, and
 * is a plan by itself.
 */
export function splitPlan(plan: Plan): readonly Plan[] {
  const groupOf = new Map(
    plan.configurations.map((one) => [one.worker.id, referenceIdOf(one, plan.header)] as const),
  );
  const groups = new Map<
    string,
    {
      configurations: PlanConfiguration[];
      blocks: Plan["blocks"][number][];
      trials: Plan["trials"][number][];
    }
  >();
  const of = (id: string) => {
    const key = groupOf.get(id) ?? id;
    const known = groups.get(key) ?? { configurations: [], blocks: [], trials: [] };
    groups.set(key, known);
    return known;
  };
  for (const one of plan.configurations) of(one.worker.id).configurations.push(one);
  for (const one of plan.blocks) of(one.configuration_id).blocks.push(one);
  for (const one of plan.trials) of(one.configuration_id).trials.push(one);
  return [...groups.values()].map((group) => ({ ...group, header: countIn(plan, group), texts: plan.texts }));
}

/** Joins parts of a plan into one, in the plan's order. */
export function joinParts(plan: Plan, parts: readonly Plan[]): Plan {
  const ids = new Set(parts.flatMap(({ configurations }) => configurations.map(({ worker }) => worker.id)));
  const joined = {
    configurations: plan.configurations.filter(({ worker }) => ids.has(worker.id)),
    blocks: plan.blocks.filter(({ configuration_id }) => ids.has(configuration_id)),
    trials: plan.trials.filter(({ configuration_id }) => ids.has(configuration_id)),
  };
  return { ...joined, header: countIn(plan, joined), texts: plan.texts };
}

/** The parts of each slice, with about the same number of loads in each. The same plan and count always give the same parts. */
export function dealParts(parts: readonly Plan[], count: number): readonly (readonly Plan[])[] {
  const slices = Array.from({ length: count }, () => ({ loads: 0, parts: [] as Plan[] }));
  // Large parts first, each to the slice with the fewest loads; equally large ones in the plan's order.
  for (const part of parts.toSorted((a, b) => b.blocks.length - a.blocks.length)) {
    const least = slices.reduce((best, slice) => (slice.loads < best.loads ? slice : best));
    least.loads += part.blocks.length;
    least.parts.push(part);
  }
  return slices.map((slice) => slice.parts);
}

function countIn({ header }: Plan, part: Pick<Plan, "configurations" | "trials">): Plan["header"] {
  return { ...header, configurations: part.configurations.length, trials: part.trials.length };
}
