import type { StopSignal } from "./stop.js";

/** What the signals of this process ask for; `release` puts the process back as it was. */
export interface SignalWatch {
  /** The signal that asked first; null when none came. */
  readonly received: () => NodeJS.Signals | null;
  readonly release: () => void;
}

/**
 * Ctrl-C once: finish and record the trial under way, then stop. Twice: stop now.
 * SIGTERM (a scheduler) and SIGHUP (the terminal was closed): stop now.
 */
export function watchSignals(stop: StopSignal, target: NodeJS.EventEmitter = process): SignalWatch {
  let received: NodeJS.Signals | null = null;
  let interrupts = 0;
  const onInterrupt = () => {
    received ??= "SIGINT";
    interrupts += 1;
    if (interrupts === 1) stop.request("after-this-trial", "stopped by Ctrl-C");
    else stop.request("now", "stopped by a second Ctrl-C");
  };
  const onTerminate = (signal: NodeJS.Signals) => {
    received ??= signal;
    stop.request("now", `stopped by ${signal}`);
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
