/** What disturbed the machine before the run or the trials on their GPUs. */
import type { MachineState } from "../protocol/measurements.js";
import { SLOWED_BY_FAULT } from "../run/disturbance.js";
import type { RecordedEnvironment, RecordedTrial } from "../run/record-types.js";

/** If other work keeps at least so many cores busy, times are in doubt. A machine's usual services take less. */
const BUSY_CORES = 0.3;
/** NVML's throttle reasons that mean that a GPU is being held back, not that it is idle or configured that way. */
const SLOWED_BY = ["SwPowerCap", ...SLOWED_BY_FAULT];
/** Smaller differences are ignored, because power limits are reported in fractions of a watt. */
const WATT_ROUNDING = 1;

export interface MachineInterference {
  readonly areGpusSimulated: boolean;
  /** Cores that other work kept busy, of those that there are. Null if they were too few to matter. */
  readonly busyCores: { readonly count: number; readonly of: number | null } | null;
  /** The CPU's frequency governor, if it saves power. */
  readonly governor: string | null;
  readonly gpus: readonly GpuInterference[];
}

export interface GpuInterference {
  readonly index: number;
  /** 0 if there were none, or if they are unknown. */
  readonly otherProcesses: number;
  readonly otherMemoryBytes: number | null;
  readonly powerCap: { readonly watts: number; readonly usualWatts: number } | null;
  /** NVML's names. */
  readonly slowedBy: readonly string[];
}

/**
 * Null if the worker never reported its machine's state. `devices` are those that the run's configurations asked for; cards that
 * none of them asked for are left out.
 */
export function findInterference(
  environment: RecordedEnvironment | null,
  devices: readonly string[],
): MachineInterference | null {
  const state = environment?.machine_state ?? null;
  if (environment === null || state === null) return null;
  const { busy_cores: count, cpu_governor: governor } = state;
  return {
    areGpusSimulated: environment.gpus.some(({ is_simulated }) => is_simulated),
    busyCores: count === null || count < BUSY_CORES ? null : { count, of: environment.cpu_logical_cores },
    governor: governor !== null && /powersave|conservative/.test(governor) ? governor : null,
    gpus: state.gpus.filter(({ index }) => isAskedFor(index, devices)).map(readGpu),
  };
}

/** `auto` means every card; a kind without a number means its first card. */
function isAskedFor(index: number, devices: readonly string[]): boolean {
  return devices.some((device) => {
    const [kind, number = "0"] = device.split(":");
    return device === "auto" || (kind !== "cpu" && Number(number) === index);
  });
}

function readGpu(gpu: MachineState["gpus"][number]): GpuInterference {
  const { power_limit_watts: watts, power_limit_default_watts: usualWatts } = gpu;
  const isCapped = watts !== null && usualWatts !== null && watts < usualWatts - WATT_ROUNDING;
  return {
    index: gpu.index,
    otherProcesses: gpu.other_processes ?? 0,
    otherMemoryBytes: gpu.other_memory_bytes,
    powerCap: isCapped ? { watts, usualWatts } : null,
    slowedBy: listSlowdowns(gpu.throttle_reasons),
  };
}

function listSlowdowns(reasons: readonly string[] | null): readonly string[] {
  return (reasons ?? []).filter((reason) => SLOWED_BY.includes(reason));
}

export interface TrialInterference {
  readonly trials: number;
  /** The number of trials during which another process used the model's own cards. */
  readonly shared: number;
  /** The number of trials during which the cards were throttled, and why. */
  readonly slowed: number;
  readonly slowedBy: readonly string[];
}

export function countInterference(trials: readonly RecordedTrial[]): TrialInterference {
  const states = trials.map(({ gpu_state_before: before, gpu_state_after: after }) => [
    ...(before ?? []),
    ...(after ?? []),
  ]);
  const slowdowns = states
    .map((of) => of.flatMap(({ throttle_reasons }) => listSlowdowns(throttle_reasons)))
    .filter((reasons) => reasons.length > 0);
  return {
    trials: trials.length,
    shared: states.filter((of) => of.some(({ other_processes: others }) => (others ?? 0) > 0)).length,
    slowed: slowdowns.length,
    slowedBy: [...new Set(slowdowns.flat())],
  };
}
