/** Sentences about what disturbed the machine before the run or during its trials; none if it was quiet. */
import { pluralize } from "../base/text.js";
import { formatBytes } from "../base/units.js";
import type { MachineState } from "../protocol/measurements.js";
import { SLOWED_BY_FAULT } from "../run/disturbance.js";
import type { RecordedEnvironment, RecordedTrial } from "../run/record-types.js";

/** If other work keeps at least so many cores busy, times are in doubt. A machine's usual services take less. */
const BUSY_CORES = 0.3;
/** NVML's throttle reasons that mean that a GPU is being held back, not that it is idle or configured that way. */
const SLOWED_BY = ["SwPowerCap", ...SLOWED_BY_FAULT];
/** Smaller differences are ignored, because power limits are reported in fractions of a watt. */
const WATT_ROUNDING = 1;

/** Comes before all other remarks, because the figures are of cards that do not exist. */
export function describeSimulation(gpus: RecordedEnvironment["gpus"]): readonly string[] {
  return gpus.some(({ is_simulated }) => is_simulated)
    ? ["the GPUs are simulated: their memory, energy and times say nothing about a real card"]
    : [];
}

/**
 * Remarks from the environment of a run; empty if the worker never reported it. `devices` are those that the run's configurations
 * asked for; cards that none of them asked for are not mentioned.
 */
export function describeInterference(
  environment: RecordedEnvironment | null,
  devices: readonly string[],
): readonly string[] {
  const state = environment?.machine_state ?? null;
  if (environment === null || state === null) return [];
  const { cpu_logical_cores: logicalCores } = environment;
  const remarks: string[] = [...describeSimulation(environment.gpus)];
  if (state.busy_cores !== null && state.busy_cores >= BUSY_CORES) {
    const of = logicalCores === null ? "" : ` of ${logicalCores}`;
    remarks.push(`other work kept ${state.busy_cores.toFixed(1)}${of} cores busy just before the run`);
  }
  if (state.cpu_governor !== null && /powersave|conservative/.test(state.cpu_governor)) {
    remarks.push(
      `the CPU's frequency governor is ${state.cpu_governor}: the clock speed may vary with the load`,
    );
  }
  for (const gpu of state.gpus) if (isAskedFor(gpu.index, devices)) remarks.push(...gpuRemarks(gpu));
  return remarks;
}

/** `auto` means every card; a kind without a number means its first card. */
function isAskedFor(index: number, devices: readonly string[]): boolean {
  return devices.some((device) => {
    const [kind, number = "0"] = device.split(":");
    return device === "auto" || (kind !== "cpu" && Number(number) === index);
  });
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
  const slowed = listSlowdowns(gpu.throttle_reasons);
  if (slowed.length > 0) remarks.push(`${name} is already throttled: ${slowed.join(", ")}`);
  return remarks;
}

function listSlowdowns(reasons: readonly string[] | null): readonly string[] {
  return (reasons ?? []).filter((reason) => SLOWED_BY.includes(reason));
}

/** Says in how many trials another process used the model's own cards, and in how many the cards were throttled, and why. */
export function describeTrialInterference(trials: readonly RecordedTrial[]): readonly string[] {
  const states = trials.map(({ gpu_state_before: before, gpu_state_after: after }) => [
    ...(before ?? []),
    ...(after ?? []),
  ]);
  const shared = states.filter((of) => of.some(({ other_processes: others }) => (others ?? 0) > 0)).length;
  const slowed = states.filter((of) => of.some((state) => listSlowdowns(state.throttle_reasons).length > 0));
  const remarks: string[] = [];
  if (shared > 0) {
    remarks.push(
      `another process used the model's GPU during ${shared} of ${pluralize(trials.length, "trial")}`,
    );
  }
  if (slowed.length > 0) {
    const reasons = new Set(slowed.flat().flatMap((state) => listSlowdowns(state.throttle_reasons)));
    remarks.push(
      `the model's GPU was throttled during ${slowed.length} of ${pluralize(trials.length, "trial")}: ${[...reasons].join(", ")}`,
    );
  }
  return remarks;
}
