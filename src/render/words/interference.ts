/** Sentences about what disturbed the machine before the run or during its trials; none if it was quiet. */
import type { GpuInterference, MachineInterference, TrialInterference } from "../../analysis/interference.js";
import { pluralize } from "../../base/text.js";
import { formatBytes } from "../../base/units.js";

/** The simulation comes first, because the figures are of cards that do not exist. */
export function describeInterference(found: MachineInterference | null): readonly string[] {
  if (found === null) return [];
  const { areGpusSimulated, busyCores, governor, gpus } = found;
  const remarks: string[] = [];
  if (areGpusSimulated) {
    remarks.push("the GPUs are simulated: their memory, energy and times say nothing about a real card");
  }
  if (busyCores !== null) {
    const of = busyCores.of === null ? "" : ` of ${busyCores.of}`;
    remarks.push(`other work kept ${busyCores.count.toFixed(1)}${of} cores busy just before the run`);
  }
  if (governor !== null) {
    remarks.push(`the CPU's frequency governor is ${governor}: the clock speed may vary with the load`);
  }
  return [...remarks, ...gpus.flatMap(describeGpu)];
}

function describeGpu({
  index,
  otherProcesses: others,
  otherMemoryBytes: bytes,
  powerCap,
  slowedBy,
}: GpuInterference): readonly string[] {
  const remarks: string[] = [];
  const name = `GPU ${index}`;
  if (others > 0) {
    const memory = bytes === null ? "" : ` (${formatBytes(bytes)})`;
    remarks.push(`${name} is used by ${others} other process${others === 1 ? "" : "es"}${memory}`);
  }
  if (powerCap !== null) {
    const { watts, usualWatts } = powerCap;
    remarks.push(`${name} has a power cap of ${watts.toFixed(0)} W instead of ${usualWatts.toFixed(0)} W`);
  }
  if (slowedBy.length > 0) remarks.push(`${name} is already throttled: ${slowedBy.join(", ")}`);
  return remarks;
}

export function describeTrialInterference({
  trials,
  shared,
  slowed,
  slowedBy,
}: TrialInterference): readonly string[] {
  const of = pluralize(trials, "trial");
  return [
    ...(shared === 0 ? [] : [`another process used the model's GPU during ${shared} of ${of}`]),
    ...(slowed === 0
      ? []
      : [`the model's GPU was throttled during ${slowed} of ${of}: ${slowedBy.join(", ")}`]),
  ];
}
