/**
 * Failures that may go away by themselves, so that trying again is worthwhile. A failure caused by the configuration or the
 * machine (too little memory, a missing kernel) would only happen again.
 */
const TRANSIENT: ReadonlySet<string> = new Set([
  "worker-died",
  "worker-hung",
  "no-progress",
  "trial-process-died",
  "hub-unreachable",
  "device-busy",
  "device-fault",
  "fork-poisoned",
]);

export const TRANSIENT_CODES: readonly string[] = [...TRANSIENT];

export function isTransient(code: string): boolean {
  return TRANSIENT.has(code);
}
