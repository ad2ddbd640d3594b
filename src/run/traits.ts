/** What makes up the identity of a machine and of the software on it: the one list on which every comparison is based. */
import type { WorkerEnvironment } from "../protocol/measurements.js";
import {
  describeFourBit,
  describeGpus,
  describeInt8,
  describeNuma,
  describeQuota,
  describeUsableCores,
} from "./machine-text.js";
import type { RecordedEnvironment } from "./record-types.js";

export type AnyEnvironment = WorkerEnvironment | RecordedEnvironment;

/** `kernels`: what libraries chose for this machine; `system`, `library` and `program`: what is installed on it. */
export const TRAIT_PARTS = ["machine", "kernels", "system", "library", "program"] as const;
export type TraitPart = (typeof TRAIT_PARTS)[number];

export interface Trait {
  readonly part: TraitPart;
  /** Null: known to be absent. Undefined: not recorded. */
  readonly value: string | null | undefined;
}

/** By name. */
export type Traits = ReadonlyMap<string, Trait>;

/** The one trait whose values are sets; a change is described by what is missing or added. */
export const INSTRUCTION_SETS = "CPU instruction sets";

/**
 * Reads a machine's traits. A GPU's UUID and PCI address are not among them, because another card of the same kind is just as
 * fast.
 */
export function readTraits(environment: AnyEnvironment): Traits {
  const { machine, gpus, packages } = environment;
  const numa = machine?.numa ?? null;
  const kernels = machine?.bitsandbytes ?? null;
  // A value that the system does not report is as unknown as one that was not recorded.
  const known = (value: string | number | null | undefined) => (value == null ? undefined : `${value}`);
  const parts: Readonly<Record<TraitPart, readonly (readonly [name: string, value: Trait["value"]])[]>> = {
    machine: [
      ["CPU", known(environment.cpu_model)],
      [INSTRUCTION_SETS, describeInstructionSets(machine?.cpu_instruction_sets)],
      ["cores", known(environment.cpu_logical_cores)],
      ["usable cores", machine == null ? undefined : known(describeUsableCores(machine))],
      ["CPU quota", machine == null ? undefined : describeQuota(machine)],
      ["torch threads", known(environment.torch_threads)],
      ["inter-op threads", known(machine?.torch_interop_threads)],
      ["NUMA nodes", numa === null ? undefined : describeNuma(numa)],
      ["GPUs", describeGpus(gpus)],
      ["MIG profiles", gpus.flatMap(({ mig_profile }) => mig_profile ?? []).join(", ") || null],
    ],
    kernels: [
      ["torch's CPU kernels", known(machine?.torch_cpu_capability)],
      ["bitsandbytes library", known(kernels?.native_library)],
      ["4-bit on the CPU", known(describeFourBit(kernels))],
      ["int8 on the CPU", known(describeInt8(kernels))],
    ],
    system: [
      ["GPU driver", environment.gpu_driver_version],
      ["CUDA", environment.cuda_version],
      ["Python", environment.python_version],
    ],
    library: Object.entries(packages),
    program: [["worker code", environment.worker_code_sha256.slice(0, 12)]],
  };
  return new Map(
    TRAIT_PARTS.flatMap((part) => parts[part].map(([name, value]) => [name, { part, value }] as const)),
  );
}

function describeInstructionSets(sets: readonly string[] | null | undefined): string | undefined {
  return sets == null ? undefined : sets.join(", ") || "none";
}
