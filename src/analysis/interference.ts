/** Whether the machine was quiet before the run, in sentences; none where it was. */
import { formatBytes } from "../base/units.js";
import type { MachineState } from "../protocol/measurements.js";

/** A core's worth of other work from which times are in doubt: more than the usual services of a machine take. */
const BUSY_CORES = 0.3;
/** NVML's reasons that say that a GPU is held back, not that it is idle or set so. */
const SLOWED_BY = [
  "SwPowerCap",
  "HwSlowdown",
  "SwThermalSlowdown",
  "HwThermalSlowdown",
  "HwPowerBrakeSlowdown",
];
/** Power limits are told in fractions of a watt. */
const WATT_ROUNDING = 1;

export function describeInterference(
  state: MachineState | null,
  logicalCores: number | null,
): readonly string[] {
  if (state === null) return [];
  const remarks: string[] = [];
  if (state.busy_cores !== null && state.busy_cores >= BUSY_CORES) {
    const of = logicalCores === null ? "" : ` of ${logicalCores}`;
    remarks.push(`other work kept ${state.busy_cores.toFixed(1)}${of} cores busy just before the run`);
  }
  if (state.cpu_governor !== null && /powersave|conservative/.test(state.cpu_governor)) {
    remarks.push(`the CPU's frequency governor is ${state.cpu_governor}: clocks may follow the load`);
  }
  for (const gpu of state.gpus) remarks.push(...gpuRemarks(gpu));
  return remarks;
}

function gpuRemarks(gpu: MachineState["gpus"][number]): readonly string[] {
  const remarks: string[] = [];
  const name = `GPU ${gpu.index}`;
  if (gpu.other_processes !== null && gpu.other_processes > 0) {
    const memory = gpu.other_memory_bytes === null ? "" : ` (${formatBytes(gpu.other_memory_bytes)})`;
    remarks.push(
      `${name} is used by ${gpu.other_processes} other process${gpu.other_processes === 1 ? "" : "es"}${memory}`,
    );
  }
  const { power_limit_watts: limit, power_limit_default_watts: usual } = gpu;
  if (limit !== null && usual !== null && limit < usual - WATT_ROUNDING) {
    remarks.push(`${name} has a power cap of ${limit.toFixed(0)} W instead of ${usual.toFixed(0)} W`);
  }
  const slowed = (gpu.throttle_reasons ?? []).filter((reason) => SLOWED_BY.includes(reason));
  if (slowed.length > 0) remarks.push(`${name} is slowed down already: ${slowed.join(", ")}`);
  return remarks;
}
