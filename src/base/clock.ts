/** Time, passed in wherever it is needed so that tests can own it. */
export interface Clock {
  /** Wall-clock time, for timestamps only. */
  now(): Date;
  /** Seconds on a monotonic clock with an arbitrary zero, for durations. */
  monotonicSec(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicSec: () => Number(process.hrtime.bigint()) / 1e9,
};
