/** Submits slices of a run as one array. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.js";
import type { RunPaths } from "../../run/paths.js";
import { writeResultFile } from "../../run/result-file.js";
import { writeFailed } from "../../run/writer.js";
import type { SlurmClient } from "./client.js";
import { type Ledger, writeLedger } from "./ledger.js";
import { buildScript } from "./script.js";

export interface SubmitOptions {
  readonly run: RunPaths;
  readonly client: SlurmClient;
  readonly clock: Clock;
  readonly program: readonly string[];
}

/** The next job's name, unique to the run and to this submission. */
export function nameJob({ runId }: RunPaths, { jobs }: Pick<Ledger, "jobs">): string {
  return `falcon-exp-${runId}-${jobs.length}`;
}

export function buildJob(
  ledger: Ledger,
  slices: readonly number[],
  { run, program }: Pick<SubmitOptions, "run" | "program">,
): string {
  return buildScript({
    settings: ledger.settings,
    name: nameJob(run, ledger),
    runFolder: run.folder,
    slices,
    count: ledger.slices,
    program,
    cwd: ledger.cwd,
    python: ledger.python,
    attempts: ledger.attempts,
    retryFailed: ledger.retry_failed,
  });
}

/** Throws FalconError `slurm-missing`, `slurm-submit-failed`, `results-write-failed`. */
export async function submitSlices(
  before: Ledger,
  slices: readonly number[],
  options: SubmitOptions,
): Promise<Ledger> {
  const { run, client, clock } = options;
  const script = buildJob(before, slices, options);
  const name = nameJob(run, before);
  const folder = join(run.folder, "slurm");
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw writeFailed(folder, cause);
  });
  await writeResultFile(join(folder, `${name}.sh`), script);
  const job = { id: null, name, slices: [...slices], submitted_at: clock.now().toISOString() };
  // Before sbatch: where its answer is lost, the name still finds the job.
  await writeLedger(run, { ...before, jobs: [...before.jobs, job] });
  const id = await client.submit(script);
  const ledger = { ...before, jobs: [...before.jobs, { ...job, id }] };
  await writeLedger(run, ledger);
  return ledger;
}
