/** What decides how fast the machine's processors are, beyond the CPU's name (docs/results.md). */
import { z } from "zod";
import { nonNegativeInt, positiveInt } from "./common.js";

/** Which parts of its code bitsandbytes runs here, which it chooses at import. Null if the installed version does not tell. */
export const bitsandbytesKernelsSchema = z.strictObject({
  /** File name of the library that is loaded: `libbitsandbytes_cpu.so`, `libbitsandbytes_cuda126.so`, … */
  native_library: z.string().nullable(),
  /**
   * One AVX512-BF16 kernel, its own (`fused`) or that of the `kernels` package (`hub-fused`); else weights are unpacked for each
   * product.
   */
  cpu_4bit: z.enum(["hub-fused", "fused", "unpacked", "unpacked-by-torch"]).nullable(),
  /** How int8 products are computed: as integers, or through floating point. */
  cpu_int8: z.enum(["int-mm", "float"]).nullable(),
});
export type BitsandbytesKernels = z.infer<typeof bitsandbytesKernelsSchema>;

export const numaSchema = z.strictObject({
  /** Memory nodes of the whole machine. */
  nodes: positiveInt,
  /** Nodes with a CPU that the worker may run on. */
  cpu_nodes: z.array(nonNegativeInt),
  /** Nodes that the worker's memory may come from. */
  memory_nodes: z.array(nonNegativeInt),
  /** `default`, `bind`, `interleave`, …; null if the kernel does not tell. */
  memory_policy: z.string().nullable(),
});
export type Numa = z.infer<typeof numaSchema>;

export const machineSchema = z.strictObject({
  /** The sets by which libraries choose their kernels, as Linux names them; null if the system does not tell. */
  cpu_instruction_sets: z.array(z.string()).nullable(),
  /** The level by which torch chooses its own kernels: DEFAULT, AVX2, AVX512, … */
  torch_cpu_capability: z.string(),
  /** The number of logical CPUs that the worker may run on, and of the physical cores that they belong to. */
  usable_logical_cores: positiveInt.nullable(),
  usable_physical_cores: positiveInt.nullable(),
  /** CPU time that control groups allow the worker, in cores; null without a limit. */
  cpu_quota_cores: z.number().gt(0).nullable(),
  torch_interop_threads: positiveInt,
  numa: numaSchema.nullable(),
  /** Null if bitsandbytes cannot be imported. */
  bitsandbytes: bitsandbytesKernelsSchema.nullable(),
});
export type Machine = z.infer<typeof machineSchema>;
