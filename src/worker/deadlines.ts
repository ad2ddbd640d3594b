import type { Clock } from "../base/clock.js";

/** A timer that starts again at every sign of life. `stop` is final. */
export class ProgressDeadline {
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly seconds: number,
    private readonly onMissed: () => void,
  ) {
    this.touch();
  }

  touch(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    // setTimeout's limit is 2^31 − 1 ms; a longer deadline means "never" in practice.
    this.timer = setTimeout(this.onMissed, Math.min(this.seconds * 1000, 2 ** 31 - 1));
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

const TICK_SEC = 1;
/** A tick this late means that the controller itself stood still (suspended, blocked): not the worker's fault. */
const OWN_STALL_SEC = 4;

/** Calls `onMissed` if no heartbeat came for `limitSec`, not counting time in which this process could not have seen one. */
export class HeartbeatWatch {
  private readonly timer: NodeJS.Timeout;
  private lastBeatSec: number;
  private lastTickSec: number;

  constructor(limitSec: number, clock: Clock, onMissed: (silentSec: number) => void) {
    this.lastBeatSec = clock.monotonicSec();
    this.lastTickSec = this.lastBeatSec;
    this.timer = setInterval(() => {
      const now = clock.monotonicSec();
      if (now - this.lastTickSec > OWN_STALL_SEC) this.lastBeatSec = now;
      this.lastTickSec = now;
      if (now - this.lastBeatSec > limitSec) {
        this.stop();
        onMissed(now - this.lastBeatSec);
      }
    }, TICK_SEC * 1000);
    this.timer.unref();
  }

  beat(nowSec: number): void {
    this.lastBeatSec = nowSec;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
