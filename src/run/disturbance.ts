/** Whether something else than the trial decided its times, by what the worker counted before and after it. */
import type { RecordedTrial } from "./record-types.js";

/**
 * From here on a trial is disturbed. Its threads waited for a core that others had: a wait of this share makes a trial
 * longer by as much, several times what trials of a quiet machine differ by.
 */
const MOST_WAIT_SHARE = 0.03;
/**
 * Others' share of all cores: a hypervisor's guests take time that no run-queue shows, and whoever computes beside a
 * trial takes caches, memory bandwidth and clock speed from it. More than a machine's usual services need.
 */
const MOST_OTHER_SHARE = 0.1;
/** NVML's reasons that come from heat or a failing supply; a power limit is the card's own, and always there. */
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

/** What disturbed the trial, as short texts; empty where nothing is known to have. */
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
