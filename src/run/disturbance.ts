/** Whether something disturbed a trial's times, judged by what the worker counted before and after it. */
import type { RecordedTrial } from "./record-types.js";

/**
 * A trial is disturbed if its threads waited longer than this share of its time for a core that others used. Such a wait makes
 * the trial longer by the same share, which is several times the spread of trials on a quiet machine.
 */
const MOST_WAIT_SHARE = 0.03;
/**
 * A trial is disturbed if other work took more than this share of all cores. A hypervisor's other guests take time that no run
 * queue shows, and whatever computes beside a trial takes caches, memory bandwidth and clock speed from it. A machine's usual
 * services need less than this.
 */
const MOST_OTHER_SHARE = 0.1;
/**
 * NVML's throttle reasons that come from heat or a failing power supply. A power limit is the card's own and always applies, so
 * it is not among them.
 */
export const SLOWED_BY_FAULT = [
  "HwSlowdown",
  "SwThermalSlowdown",
  "HwThermalSlowdown",
  "HwPowerBrakeSlowdown",
];

export type NoiseValues = Pick<
  RecordedTrial,
  "other_cpu_share" | "cpu_wait_share" | "cpu_throttle_events" | "gpu_state_before" | "gpu_state_after"
>;

/** Returns what disturbed the trial, as short texts; empty if nothing is known to have disturbed it. */
export function findDisturbances(measured: NoiseValues): string[] {
  const { other_cpu_share: others, cpu_wait_share: waited, cpu_throttle_events: heated } = measured;
  const states = [...(measured.gpu_state_before ?? []), ...(measured.gpu_state_after ?? [])];
  const found: string[] = [];
  if (others !== null && others > MOST_OTHER_SHARE) {
    found.push(`other work took ${percent(others)} of the CPU`);
  }
  if (waited !== null && waited > MOST_WAIT_SHARE) {
    found.push(`the trial waited ${percent(waited)} of its time for a core`);
  }
  if (heated !== null && heated > 0) found.push("heat slowed the CPU down");
  if (states.some(({ other_processes: neighbours }) => (neighbours ?? 0) > 0)) {
    found.push("another process used the GPU");
  }
  const slowed = new Set(states.flatMap(({ throttle_reasons }) => throttle_reasons ?? []));
  const faults = SLOWED_BY_FAULT.filter((reason) => slowed.has(reason));
  if (faults.length > 0) found.push(`the GPU was slowed down: ${faults.join(", ")}`);
  return found;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
