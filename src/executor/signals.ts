import type { StopSignal } from "./stop.js";

/** A scheduler gives ten seconds between SIGTERM and SIGKILL, often. */
export const STOP_LIMIT_SEC = 9;

/** What the signals of this process ask for; `release` puts the process back as it was. */
export interface SignalWatch {
  /** The signal that asked first; null when none came. */
  readonly received: () => NodeJS.Signals | null;
  readonly release: () => void;
}

export interface SignalWatchOptions {
  readonly target?: NodeJS.EventEmitter;
  /** `now` was asked for, and this process is still here after `STOP_LIMIT_SEC`; `release` does not call it off. */
  readonly onOverdue?: () => void;
}

/**
 * Ctrl-C once: finish and record the trial under way, then stop. Twice: stop now.
 * SIGTERM (a scheduler) and SIGHUP (the terminal was closed): stop now.
 */
export function watchSignals(stop: StopSignal, options: SignalWatchOptions = {}): SignalWatch {
  const target = options.target ?? process;
  let received: NodeJS.Signals | null = null;
  let interrupts = 0;
  let isLimited = false;
  const stopNow = (reason: string) => {
    if (!isLimited) setTimeout(() => options.onOverdue?.(), STOP_LIMIT_SEC * 1000).unref();
    isLimited = true;
    stop.request("now", reason);
  };
  const onInterrupt = () => {
    received ??= "SIGINT";
    interrupts += 1;
    if (interrupts === 1) stop.request("after-this-trial", "stopped by Ctrl-C");
    else stopNow("stopped by a second Ctrl-C");
  };
  const onTerminate = (signal: NodeJS.Signals) => {
    received ??= signal;
    stopNow(`stopped by ${signal}`);
  };
  const handlers = { SIGINT: onInterrupt, SIGTERM: onTerminate, SIGHUP: onTerminate };
  for (const [signal, handler] of Object.entries(handlers)) target.on(signal, handler);
  return {
    received: () => received,
    release: () => {
      for (const [signal, handler] of Object.entries(handlers)) target.off(signal, handler);
    },
  };
}
