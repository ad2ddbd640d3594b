/** Slurm's own commands, each with a limit of its own: a controller that does not answer holds nobody up. */
import { execa } from "execa";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { parseAccounting, parseQueue, type QueueRow, SACCT_FORMAT, SQUEUE_FORMAT } from "./answers.js";
import type { SlurmTaskState } from "./states.js";

const ASK_LIMIT_MS = 60_000;
/** At its limit of jobs sbatch waits, and says nothing. */
const SUBMIT_LIMIT_MS = 120_000;

export interface SlurmClient {
  /** The array's id. Throws FalconError `slurm-missing`, `slurm-submit-failed`. */
  submit(script: string): Promise<string>;
  /** Of jobs of these names; null where there was no answer, which says nothing of the jobs. */
  queue(names: readonly string[]): Promise<readonly QueueRow[] | null>;
  /** Null where there is no accounting, or no answer. */
  accounting(arrayIds: readonly string[]): Promise<ReadonlyMap<string, readonly SlurmTaskState[]> | null>;
  /** Throws FalconError `slurm-cancel-failed`. */
  cancel(jobs: readonly string[]): Promise<void>;
}

export const slurmClient: SlurmClient = {
  async submit(script) {
    const result = await execa("sbatch", ["--parsable"], {
      input: script,
      reject: false,
      timeout: SUBMIT_LIMIT_MS,
    });
    if (result.code === "ENOENT") throw missing();
    const [id] = /^\d+/.exec(result.stdout.trim()) ?? [];
    if (!result.failed && id !== undefined) return id;
    const said = result.stderr.trim().split("\n").at(-1) || "sbatch said nothing";
    throw new FalconError({
      code: "slurm-submit-failed",
      message: `Slurm did not take the job: ${result.timedOut ? `no answer in ${SUBMIT_LIMIT_MS / 1000} s; ` : ""}${said}`,
      next: "Correct executor.slurm (--dry-run shows the script), or lower executor.slurm.tasks where a limit is named.",
      exitCode: ExitCode.setupFailed,
    });
  },
  async queue(names) {
    const args = ["-h", "-r", "-t", "all", "-o", SQUEUE_FORMAT, `--name=${names.join(",")}`];
    const result = await execa("squeue", args, { reject: false, timeout: ASK_LIMIT_MS });
    if (result.code === "ENOENT") throw missing();
    return result.failed ? null : parseQueue(result.stdout);
  },
  async accounting(arrayIds) {
    const args = ["-X", "-n", "-P", "-D", "-o", SACCT_FORMAT, "-j", arrayIds.join(",")];
    const result = await execa("sacct", args, { reject: false, timeout: ASK_LIMIT_MS });
    return result.failed ? null : parseAccounting(result.stdout);
  },
  async cancel(jobs) {
    const result = await execa("scancel", jobs, { reject: false, timeout: ASK_LIMIT_MS });
    if (result.code === "ENOENT") throw missing();
    // A job that has ended meanwhile is cancelled enough.
    if (!result.failed || /Invalid job id/.test(result.stderr)) return;
    throw new FalconError({
      code: "slurm-cancel-failed",
      message: `Slurm did not cancel the tasks: ${result.stderr.trim() || "no answer"}`,
      next: `Try again, or by hand: scancel ${jobs.join(" ")}.`,
      exitCode: ExitCode.setupFailed,
    });
  },
};

function missing(): FalconError {
  return new FalconError({
    code: "slurm-missing",
    message: "Slurm's commands (sbatch, squeue) are not on PATH.",
    next: "Run it on a login node of the cluster, or measure here: --executor local.",
    exitCode: ExitCode.setupFailed,
  });
}
