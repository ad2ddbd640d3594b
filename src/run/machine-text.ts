/** The parts of a machine in words. Two machines are the same if these texts are the same (identity.ts). */
import { formatBytes } from "../base/units.js";
import type { BitsandbytesKernels, Machine, Numa } from "../protocol/machine.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";

const BYTES_PER_GIB = 2 ** 30;

/** `2 × NVIDIA A100 (80 GiB), Tesla T4 (15 GiB)`, in the worker's order; in whole GiB, because drivers reserve more or less. */
export function describeGpus(gpus: WorkerEnvironment["gpus"]): string {
  const runs: { text: string; count: number }[] = [];
  for (const { name, memory_total_bytes, is_simulated } of gpus) {
    const size = `${Math.round(memory_total_bytes / BYTES_PER_GIB)} GiB`;
    const text = `${name} (${is_simulated ? `simulated, ${size}` : size})`;
    const last = runs.at(-1);
    if (last?.text === text) last.count++;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => (count === 1 ? text : `${count} × ${text}`)).join(", ") || "none";
}

/** Undefined if it was not recorded. */
export function describeMemory(bytes: number | null): string | undefined {
  return bytes === null ? undefined : formatBytes(bytes);
}

/** `4 on 2 cores`, because two threads of one core are slower than two cores. */
export function describeUsableCores({ usable_logical_cores, usable_physical_cores }: Machine): string | null {
  if (usable_logical_cores === null) return null;
  return usable_physical_cores === null
    ? `${usable_logical_cores}`
    : `${usable_logical_cores} on ${usable_physical_cores} ${usable_physical_cores === 1 ? "core" : "cores"}`;
}

/** `1.5 cores`, or `none`. */
export function describeQuota({ cpu_quota_cores: cores }: Machine): string {
  return cores === null ? "none" : `${Number(cores.toFixed(2))} cores`;
}

/**
 * `1 of 2, memory from 2, interleave`. It makes no difference which of several equal nodes are used, only whether memory comes
 * from other nodes.
 */
export function describeNuma({ nodes, cpu_nodes, memory_nodes, memory_policy }: Numa): string {
  const parts = [`${cpu_nodes.length} of ${nodes}`];
  if (nodes > 1) {
    const isRemote = !memory_nodes.some((node) => cpu_nodes.includes(node));
    parts.push(`memory from ${memory_nodes.length}${isRemote ? ", not its own" : ""}`);
  }
  if (memory_policy !== null && memory_policy !== "default") parts.push(memory_policy);
  return parts.join(", ");
}

const FOUR_BIT_TEXTS: Readonly<Record<NonNullable<BitsandbytesKernels["cpu_4bit"]>, string>> = {
  "hub-fused": "fused AVX512-BF16 kernel of the kernels package",
  fused: "fused AVX512-BF16 kernel",
  unpacked: "unpacked for each product",
  "unpacked-by-torch": "unpacked by torch for each product",
};

const INT8_TEXTS: Readonly<Record<NonNullable<BitsandbytesKernels["cpu_int8"]>, string>> = {
  "int-mm": "integer products",
  float: "products through floating point",
};

/** How 4-bit layers are computed on the CPU; null if unknown. */
export function describeFourBit(kernels: BitsandbytesKernels | null): string | null {
  return kernels?.cpu_4bit == null ? null : FOUR_BIT_TEXTS[kernels.cpu_4bit];
}

/** How int8 layers are computed on the CPU; null if unknown. */
export function describeInt8(kernels: BitsandbytesKernels | null): string | null {
  return kernels?.cpu_int8 == null ? null : INT8_TEXTS[kernels.cpu_int8];
}
