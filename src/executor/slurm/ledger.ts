/**
 * `slurm.json`: which jobs were submitted for a run, which slices wait to be, and what became of tasks that left no end. Written by
 * whoever follows the run alone; `cancel` therefore leaves a file of its own.
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
  /** Null where sbatch's answer was lost: the name finds it. */
  id: z.string().nullable(),
  name: z.string(),
  slices: z.array(z.int().min(0)),
  /** What is added to an index of the array to have its slice. */
  offset: z.int().min(0).default(0),
  submitted_at: z.iso.datetime(),
});
export type SubmittedJob = z.infer<typeof jobSchema>;

const ledgerSchema = z.strictObject({
  schema_version: z.literal(1),
  slices: z.int().min(1),
  settings: slurmSchema,
  python: z.string().nullable(),
  /** What was begun so often and cut off each time is recorded as failed by the task itself. */
  attempts: z.int().min(1),
  retry_failed: z.boolean(),
  cwd: z.string(),
  jobs: z.array(jobSchema),
  /** Slices that are to be submitted yet: for the first time, or again. */
  waiting: z.array(z.int().min(0)).default([]),
  /** Of earlier submissions of the same run: they are told, and no longer counted. */
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

/** Whoever follows the run sees it at the next look. Throws FalconError `results-write-failed`. */
export async function markCancelled({ slurmCancelled }: RunPaths, at: Date): Promise<void> {
  await mkdir(dirname(slurmCancelled), { recursive: true }).catch((cause: unknown) => {
    throw writeFailed(dirname(slurmCancelled), cause);
  });
  await writeResultFile(slurmCancelled, `${at.toISOString()}\n`);
}

/** When that was; null where it was not. */
export async function readCancelled({ slurmCancelled }: RunPaths): Promise<string | null> {
  return readFile(slurmCancelled, "utf8").then(
    (text) => text.trim(),
    () => null,
  );
}

/** For a run that is submitted once more. */
export async function unmarkCancelled({ slurmCancelled }: RunPaths): Promise<void> {
  await rm(slurmCancelled, { force: true }).catch((cause: unknown) => {
    throw writeFailed(slurmCancelled, cause);
  });
}
