import { expect, test } from "vitest";
import { gpuStateSchema } from "../../src/protocol/measurements.js";
import { findDisturbances, type NoiseValues } from "../../src/run/disturbance.js";

const QUIET: NoiseValues = {
  other_cpu_share: 0.02,
  cpu_wait_share: 0.004,
  cpu_throttle_events: 0,
  gpu_state_before: null,
  gpu_state_after: null,
};
const gpu = (of: { others?: number; reasons?: string[] }) =>
  gpuStateSchema.parse({
    index: 0,
    uuid: null,
    sm_clock_mhz: null,
    memory_clock_mhz: null,
    temperature_celsius: null,
    power_watts: null,
    throttle_reasons: of.reasons ?? [],
    other_processes: of.others ?? 0,
    other_memory_bytes: null,
  });

test("a quiet machine, and one that tells nothing, disturbs nothing", () => {
  expect(findDisturbances(QUIET)).toEqual([]);
  expect(
    findDisturbances({ ...QUIET, other_cpu_share: null, cpu_wait_share: null, cpu_throttle_events: null }),
  ).toEqual([]);
  expect(
    findDisturbances({ ...QUIET, gpu_state_after: [gpu({ reasons: ["SwPowerCap", "GpuIdle"] })] }),
  ).toEqual([]);
});

test.each<[string, Partial<NoiseValues>]>([
  ["other work took 31 % of the CPU", { other_cpu_share: 0.31 }],
  ["the trial waited 8 % of its time for a core", { cpu_wait_share: 0.08 }],
  ["heat slowed the CPU down", { cpu_throttle_events: 1 }],
  ["another process used the GPU", { gpu_state_before: [gpu({ others: 1 })] }],
  [
    "the GPU was slowed down: HwThermalSlowdown",
    { gpu_state_after: [gpu({ reasons: ["HwThermalSlowdown"] })] },
  ],
])("%s", (text, values) => {
  expect(findDisturbances({ ...QUIET, ...values })).toEqual([text]);
});
