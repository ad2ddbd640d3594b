/**
 * Runs two pieces of work at the same time, each for a slice while the other stands still. Whatever changes the machine's speed
 * (a clock rate, a neighbour of the virtual machine) then changes it for both: with turns of several seconds they differ by 5 %
 * on a quiet machine, with slices of 50 ms by half of that.
 */
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../src/base/clock.js";

/** Something that can stand still. */
export interface Sliceable {
  rest(): void;
  /** Continues at once. */
  wake(): void;
}

/** When a piece of work ran, from start to end, in seconds of CLOCK_MONOTONIC. */
export type Window = readonly [fromSec: number, toSec: number];

export interface Sliced<T> {
  readonly result: T;
  readonly windows: readonly Window[];
}

/** A piece of work. `start` is called while it rests, and resolves when the work is done. */
export interface Work<T> extends Sliceable {
  start(): Promise<T>;
}

/** Runs both pieces of work; the first gets the first slice. Both rest on return. Rejects like the first one that failed. */
export async function runInSlices<A, B>(
  first: Work<A>,
  second: Work<B>,
  sliceMs: number,
): Promise<[Sliced<A>, Sliced<B>]> {
  const one = new Job(first);
  const other = new Job(second);
  for (let turn = 0; !(one.isDone && other.isDone); turn++) {
    await (turn % 2 === 0 ? one : other).run(sliceMs);
  }
  return [await one.finish(), await other.finish()];
}

class Job<T> {
  isDone = false;
  private readonly windows: Window[] = [];
  private readonly done: Promise<T>;

  constructor(private readonly work: Work<T>) {
    this.done = work.start();
    // A failure is reported by `finish`, and only there.
    this.done.then(
      () => this.end(),
      () => this.end(),
    );
  }

  async run(sliceMs: number): Promise<void> {
    if (this.isDone) return;
    const fromSec = systemClock.monotonicSec();
    this.work.wake();
    await Promise.race([this.done.catch(() => null), delay(sliceMs)]);
    this.work.rest();
    this.windows.push([fromSec, systemClock.monotonicSec()]);
  }

  async finish(): Promise<Sliced<T>> {
    return { result: await this.done, windows: this.windows };
  }

  private end(): void {
    this.isDone = true;
  }
}

/** How many seconds a piece of work ran between two moments. */
export function computeActiveSec(windows: readonly Window[], fromSec: number, toSec: number): number {
  return windows.reduce(
    (sum, [from, to]) => sum + Math.max(0, Math.min(to, toSec) - Math.max(from, fromSec)),
    0,
  );
}
