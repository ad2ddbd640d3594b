/** Chooses the tasks that are submitted next, as one array. Pure. */
import type { SlurmLimits } from "./limits.js";

export interface NextArray {
  readonly slices: readonly number[];
  /** The number that is added to an index of the array to get its slice. */
  readonly offset: number;
}

/**
 * Returns the first waiting slices, `most` at most. One array holds only slices from the same range of `maxArraySize` numbers,
 * because its indexes must stay below that. Null if no slice waits, or if `most` is 0.
 */
export function nextArray(
  waiting: readonly number[],
  { maxArraySize, most }: Pick<SlurmLimits, "maxArraySize"> & { readonly most: number },
): NextArray | null {
  const sorted = waiting.toSorted((a, b) => a - b);
  const [first] = sorted;
  if (first === undefined || most < 1) return null;
  const offset = first - (first % maxArraySize);
  return { offset, slices: sorted.filter((slice) => slice < offset + maxArraySize).slice(0, most) };
}

/** The rest is left to other users: if the queue were full, nobody could submit anything. */
const USED_SHARE = 0.9;

export interface Crowd {
  /** Jobs of all users. */
  readonly jobs: number;
  /** Tasks of this run that have not ended. */
  readonly own: number;
}

/** How many tasks may be submitted now. */
export function countRoom(
  { waiting, arrayLimit }: { readonly waiting: number; readonly arrayLimit: number | null },
  { jobs, own }: Crowd,
  { maxJobCount }: Pick<SlurmLimits, "maxJobCount">,
): number {
  const room = Math.max(0, Math.max(1, Math.floor(maxJobCount * USED_SHARE)) - jobs);
  // Slurm applies the limit to each array separately. So unless all that waits fits, the next array follows when the tasks before
  // it have ended.
  if (arrayLimit === null || own === 0) return room;
  return waiting <= arrayLimit - own ? room : 0;
}
