/**
 * `slurm.json`: the jobs that were submitted for a run, the slices that wait to be submitted, and what became of tasks that ended
 * without recording it. Only the process that follows the run writes it; `cancel` therefore leaves a file of its own.
 */
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { parseJson } from "../../base/json.js";
import { slurmSchema } from "../../experiment/slurm-schema.js";
import type { RunPaths } from "../../run/paths.js";
import { writeResultFile } from "../../run/result-file.js";
import { taskLossSchema } from "../../run/task-losses.js";
import { writeFailed } from "../../run/writer.js";

const jobSchema = z.strictObject({
  /** Null if sbatch's answer was lost; the job is then found by its name. */
  id: z.string().nullable(),
  name: z.string(),
  slices: z.array(z.int().min(0)),
  /** The number that is added to an index of the array to get its slice. */
  offset: z.int().min(0).default(0),
  submitted_at: z.iso.datetime(),
});
export type SubmittedJob = z.infer<typeof jobSchema>;

const ledgerSchema = z.strictObject({
  schema_version: z.literal(1),
  slices: z.int().min(1),
  settings: slurmSchema,
  python: z.string().nullable(),
  /** Work that was started this often and cut off each time is recorded as failed by the task itself. */
  attempts: z.int().min(1),
  retry_failed: z.boolean(),
  cwd: z.string(),
  jobs: z.array(jobSchema),
  /** Slices that are still to be submitted, for the first time or again. */
  waiting: z.array(z.int().min(0)).default([]),
  /** Losses of earlier submissions of the same run: they are reported, but no longer count. */
  losses_before: z.array(taskLossSchema).default([]),
  losses: z.array(taskLossSchema),
  cancelled_at: z.iso.datetime().nullable(),
});
export type Ledger = z.infer<typeof ledgerSchema>;

/** Throws FalconError `slurm-run-unknown`. */
export async function readLedger(run: RunPaths): Promise<Ledger> {
  const text = await readFile(run.slurm, "utf8").catch(() => "");
  const checked = ledgerSchema.safeParse(parseJson(text));
  if (checked.success) return checked.data;
  throw new FalconError({
    code: "slurm-run-unknown",
    message: `${run.folder} was not submitted to Slurm: its slurm.json ${text === "" ? "is missing" : "cannot be read"}.`,
    next: "Name a run that was: falcon-exp run FILE --executor slurm.",
    exitCode: ExitCode.resultsFailed,
  });
}

/** Throws FalconError `results-write-failed`. */
export async function writeLedger(run: RunPaths, ledger: Ledger): Promise<void> {
  await writeResultFile(run.slurm, `${JSON.stringify(ledger, null, 2)}\n`);
}

/**
 * Marks the run as cancelled; the process that follows it sees this at its next look. Throws FalconError `results-write-failed`.
 */
export async function markCancelled({ slurmCancelled }: RunPaths, at: Date): Promise<void> {
  await mkdir(dirname(slurmCancelled), { recursive: true }).catch((cause: unknown) => {
    throw writeFailed(dirname(slurmCancelled), cause);
  });
  await writeResultFile(slurmCancelled, `${at.toISOString()}\n`);
}

/** When the run was cancelled; null if it was not. */
export async function readCancelled({ slurmCancelled }: RunPaths): Promise<string | null> {
  return readFile(slurmCancelled, "utf8").then(
    (text) => text.trim(),
    () => null,
  );
}

/** Removes the mark, for a run that is submitted once more. Throws FalconError `results-write-failed`. */
export async function unmarkCancelled({ slurmCancelled }: RunPaths): Promise<void> {
  await rm(slurmCancelled, { force: true }).catch((cause: unknown) => {
    throw writeFailed(slurmCancelled, cause);
  });
}
