/**
 * Failures that may pass by themselves, so that trying again is worth its time. What follows from the configuration or the
 * machine (too little memory, a kernel that is not there) would only fail again.
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
