/** What decides how fast the machine's processors are, beyond the CPU's name (docs/results.md). */
import { z } from "zod";
import { nonNegativeInt, positiveInt } from "./common.js";

/** Which of its code bitsandbytes runs here: it chooses at import. Null what a version of it does not tell. */
export const bitsandbytesKernelsSchema = z.strictObject({
  /** File name of the library that is loaded: `libbitsandbytes_cpu.so`, `libbitsandbytes_cuda126.so`, … */
  native_library: z.string().nullable(),
  /** `fused`: one AVX512-BF16 kernel, its own or that of the `kernels` package; else weights are unpacked for each product. */
  cpu_4bit: z.enum(["hub-fused", "fused", "unpacked", "unpacked-by-torch"]).nullable(),
  /** Products of int8 as integers, or through floating point. */
  cpu_int8: z.enum(["int-mm", "float"]).nullable(),
});
export type BitsandbytesKernels = z.infer<typeof bitsandbytesKernelsSchema>;

export const numaSchema = z.strictObject({
  /** Of the whole machine. */
  nodes: positiveInt,
  /** Those with a CPU that the worker may run on. */
  cpu_nodes: z.array(nonNegativeInt),
  /** Those that its memory may come from. */
  memory_nodes: z.array(nonNegativeInt),
  /** `default`, `bind`, `interleave`, …; null where the kernel does not tell. */
  memory_policy: z.string().nullable(),
});
export type Numa = z.infer<typeof numaSchema>;

export const machineSchema = z.strictObject({
  /** Those that kernels are chosen by, as Linux names them; null where the system does not tell. */
  cpu_instruction_sets: z.array(z.string()).nullable(),
  /** What torch chooses its own kernels by: DEFAULT, AVX2, AVX512, … */
  torch_cpu_capability: z.string(),
  /** Logical CPUs that the worker may run on, and the cores that they lie on. */
  usable_logical_cores: positiveInt.nullable(),
  usable_physical_cores: positiveInt.nullable(),
  /** Cores' worth of time that control groups leave it; null without a limit. */
  cpu_quota_cores: z.number().gt(0).nullable(),
  torch_interop_threads: positiveInt,
  numa: numaSchema.nullable(),
  /** Null where it cannot be imported. */
  bitsandbytes: bitsandbytesKernelsSchema.nullable(),
});
export type Machine = z.infer<typeof machineSchema>;
