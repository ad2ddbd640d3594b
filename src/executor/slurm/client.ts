/** Runs Slurm's own commands, each with its own time limit, so that a Slurm controller that does not answer holds nobody up. */
import { execa } from "execa";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { parseAccounting, parseQueue, type Queue, SACCT_FORMAT, SQUEUE_FORMAT } from "./answers.js";
import { parseLimits, type SlurmLimits, saysFull, saysUnanswered } from "./limits.js";
import type { SlurmTaskState } from "./states.js";

const ASK_LIMIT_MS = 60_000;
const SUBMIT_LIMIT_MS = 120_000;
const CONFIG_LIMIT_MS = 20_000;
/** Linux does not accept an argument of 128 KiB. */
const MOST_NAMES_CHARACTERS = 100_000;

export type Submission =
  | { readonly kind: "taken"; readonly id: string }
  /** Refused because of a limit: there may be room later. */
  | { readonly kind: "full"; readonly said: string }
  /** Slurm may have accepted the job all the same. */
  | { readonly kind: "unanswered"; readonly said: string };

export interface SlurmClient {
  /** Throws FalconError `slurm-missing`, `slurm-submit-failed`. */
  submit(script: string): Promise<Submission>;
  /** Returns the jobs with these names, or everybody's; null if there was no answer, which says nothing about the jobs. */
  queue(names: readonly string[] | "all"): Promise<Queue | null>;
  /** Null if there was no answer. */
  limits(): Promise<SlurmLimits | null>;
  /** Null if there is no accounting, or no answer. */
  accounting(arrayIds: readonly string[]): Promise<ReadonlyMap<string, readonly SlurmTaskState[]> | null>;
  /** Throws FalconError `slurm-cancel-failed`. */
  cancel(jobs: readonly string[]): Promise<void>;
}

export const slurmClient: SlurmClient = {
  async submit(script) {
    const sbatch = execa("sbatch", ["--parsable"], {
      input: script,
      reject: false,
      timeout: SUBMIT_LIMIT_MS,
    });
    // If Slurm is full, sbatch would wait for minutes; the process that follows the run tries again later instead.
    sbatch.stderr.on("data", (said) => void (saysFull(String(said)) && sbatch.kill()));
    const result = await sbatch;
    if (result.code === "ENOENT") throw missing();
    const [id] = /^\d+/.exec(result.stdout.trim()) ?? [];
    if (!result.failed && id !== undefined) return { kind: "taken", id };
    const said = result.stderr.trim();
    if (saysFull(said)) return { kind: "full", said: firstLine(said) };
    if (result.timedOut) return { kind: "unanswered", said: `no answer in ${SUBMIT_LIMIT_MS / 1000} s` };
    if (saysUnanswered(said)) return { kind: "unanswered", said: lastLine(said) };
    throw submitFailed(lastLine(said) || "sbatch said nothing");
  },
  async queue(names) {
    const listed = names === "all" ? "" : names.join(",");
    const args = ["-h", "-r", "-t", "all", "-o", SQUEUE_FORMAT];
    // If there are too many names for one argument, everybody's jobs are listed, and those of others are ignored.
    const filter = listed === "" || listed.length > MOST_NAMES_CHARACTERS ? [] : [`--name=${listed}`];
    const result = await execa("squeue", [...args, ...filter], { reject: false, timeout: ASK_LIMIT_MS });
    if (result.code === "ENOENT") throw missing();
    return result.failed ? null : parseQueue(result.stdout);
  },
  async limits() {
    const args = ["show", "config"];
    const result = await execa("scontrol", args, { reject: false, timeout: CONFIG_LIMIT_MS });
    return result.failed ? null : parseLimits(result.stdout);
  },
  async accounting(arrayIds) {
    const args = ["-X", "-n", "-P", "-D", "-o", SACCT_FORMAT, "-j", arrayIds.join(",")];
    const result = await execa("sacct", args, { reject: false, timeout: ASK_LIMIT_MS });
    return result.failed ? null : parseAccounting(result.stdout);
  },
  async cancel(jobs) {
    const result = await execa("scancel", jobs, { reject: false, timeout: ASK_LIMIT_MS });
    if (result.code === "ENOENT") throw missing();
    // A job that has ended meanwhile need not be cancelled any more.
    if (!result.failed || /Invalid job id/.test(result.stderr)) return;
    throw new FalconError({
      code: "slurm-cancel-failed",
      message: `Slurm did not cancel the tasks: ${result.stderr.trim() || "no answer"}`,
      next: `Try again, or by hand: scancel ${jobs.join(" ")}.`,
      exitCode: ExitCode.setupFailed,
    });
  },
};

export function submitFailed(said: string): FalconError {
  return new FalconError({
    code: "slurm-submit-failed",
    message: `Slurm did not take the job: ${said}`,
    next: "Correct executor.slurm and run it again (--dry-run shows the script); if Slurm may accept it later, falcon-exp attach RUN submits what is left.",
    exitCode: ExitCode.setupFailed,
  });
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

function lastLine(text: string): string {
  return text.split("\n").at(-1) ?? "";
}

function missing(): FalconError {
  return new FalconError({
    code: "slurm-missing",
    message: "Slurm's commands (sbatch, squeue) are not on PATH.",
    next: "Run it on a login node of the cluster, or measure here: --executor local.",
    exitCode: ExitCode.setupFailed,
  });
}
