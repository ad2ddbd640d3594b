/** Which tasks are submitted next, as one array. Pure. */
import type { SlurmLimits } from "./limits.js";

export interface NextArray {
  readonly slices: readonly number[];
  /** What is added to an index of the array to have its slice. */
  readonly offset: number;
}

/** The first of those that wait; an array cannot hold slices of two such ranges of numbers. Null where none waits. */
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

/** The rest is left to others: where it were full nobody could submit anything. */
const USED_SHARE = 0.9;

export interface Crowd {
  /** Everybody's. */
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
  // Slurm bounds each array by itself: of several, the next one begins when the one before is over.
  if (arrayLimit === null || own === 0) return room;
  return waiting <= arrayLimit - own ? room : 0;
}
