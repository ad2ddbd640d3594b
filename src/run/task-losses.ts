/**
 * What became of tasks that recorded no end. The process that follows a run keeps this beside the records, and the merged
 * records include it.
 */
import { z } from "zod";
import { readRegularFile } from "../base/files.js";
import { parseJson } from "../base/json.js";
import type { RunPaths } from "./paths.js";

export const taskLossSchema = z.strictObject({
  slice: z.int().min(0),
  /** `17_0`. */
  job: z.string(),
  /** How often Slurm had requeued it before. */
  restart: z.int().min(0),
  /** As reported by Slurm; null if it reported nothing. */
  state: z.string().nullable(),
  code: z.string(),
  message: z.string(),
  /** `again`: submitted once more; `requeued`: Slurm did that itself; `given-up`: recorded as failed. */
  outcome: z.enum(["again", "requeued", "given-up"]),
  at: z.iso.datetime(),
});
export type TaskLoss = z.infer<typeof taskLossSchema>;

const ledgerLossesSchema = z.object({
  losses_before: z.array(taskLossSchema).default([]),
  losses: z.array(taskLossSchema),
});

/** Reads the losses, in order of time; none if nobody followed the run. */
export async function readTaskLosses({ slurm }: RunPaths): Promise<readonly TaskLoss[]> {
  const text = await readRegularFile(slurm).then(String, () => "");
  const { losses_before = [], losses = [] } = ledgerLossesSchema.safeParse(parseJson(text)).data ?? {};
  return [...losses_before, ...losses];
}
