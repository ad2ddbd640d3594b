/** How long each part of a plan takes, as far as earlier runs and its size tell. Pure. */
import type { Plan } from "./plan-types.js";

export interface PredictedTimes {
  /** Of each part; null where nothing was ever measured of any. */
  readonly seconds: readonly number[] | null;
  /** Of each part, in no unit: trials, of so many bytes each where the bytes of all are known. */
  readonly sizes: readonly number[];
}

/** `seconds`, `bytes`: of configurations by id, where known. */
export function predictTimes(
  parts: readonly Plan[],
  {
    seconds,
    bytes,
  }: { readonly seconds: ReadonlyMap<string, number>; readonly bytes: ReadonlyMap<string, number> },
): PredictedTimes {
  const listOf = (part: Plan, known: ReadonlyMap<string, number>) =>
    part.configurations.flatMap(({ worker }) => known.get(worker.id) ?? []);
  const hasAllBytes = parts.every((part) => listOf(part, bytes).length > 0);
  const sizes = parts.map(
    (part) => part.trials.length * (hasAllBytes ? Math.max(1, ...listOf(part, bytes)) : 1),
  );
  const measured = parts.map((part) => {
    const own = listOf(part, seconds);
    return own.length < part.configurations.length ? null : own.reduce((sum, one) => sum + one, 0);
  });
  const known = measured.flatMap((sec, index) => (sec === null ? [] : [{ sec, size: sizes[index] ?? 0 }]));
  const size = known.reduce((sum, one) => sum + one.size, 0);
  if (size === 0) return { seconds: null, sizes };
  // What was not measured yet takes as long for its size as what was.
  const secPerSize = known.reduce((sum, { sec }) => sum + sec, 0) / size;
  return { seconds: measured.map((sec, index) => sec ?? (sizes[index] ?? 0) * secPerSize), sizes };
}
