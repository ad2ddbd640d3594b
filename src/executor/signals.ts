import type { StopSignal } from "./stop.js";

/** Schedulers often leave ten seconds between SIGTERM and SIGKILL. */
export const STOP_LIMIT_SEC = 9;

/** Watches the signals sent to this process; `release` restores the process's earlier behavior. */
export interface SignalWatch {
  /** The first signal that came; null if none did. */
  readonly received: () => NodeJS.Signals | null;
  readonly release: () => void;
}

export interface SignalWatchOptions {
  readonly target?: NodeJS.EventEmitter;
  /** Called if this process still runs `STOP_LIMIT_SEC` after it was told to stop `now`; `release` does not prevent this call. */
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
