/** Predicts how long each part of a plan takes, from earlier runs and from its size. Pure. */
import type { Plan } from "./plan-types.js";

export interface PredictedTimes {
  /** One value per part. Null if no part was ever measured completely. */
  readonly seconds: readonly number[] | null;
  /** One value per part, without a unit: its trials, multiplied by its bytes if the bytes of every part are known. */
  readonly sizes: readonly number[];
}

/** `seconds` and `bytes` are those of configurations, by id, as far as they are known. */
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
  // A part that was not measured yet is expected to take as long for its size as the measured ones.
  const secPerSize = known.reduce((sum, { sec }) => sum + sec, 0) / size;
  return { seconds: measured.map((sec, index) => sec ?? (sizes[index] ?? 0) * secPerSize), sizes };
}
