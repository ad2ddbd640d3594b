/**
 * Submits a run's waiting slices, in as many arrays as Slurm's limits require, and as many tasks at a time as it has room for.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.js";
import { pluralize } from "../../base/text.js";
import type { RunPaths } from "../../run/paths.js";
import { writeResultFile } from "../../run/result-file.js";
import { writeFailed } from "../../run/writer.js";
import type { Queue } from "./answers.js";
import { countRoom, type NextArray, nextArray } from "./arrays.js";
import { type SlurmClient, type Submission, submitFailed } from "./client.js";
import { type Ledger, type SubmittedJob, writeLedger } from "./ledger.js";
import { DEFAULT_LIMITS, type SlurmLimits } from "./limits.js";
import { buildScript } from "./script.js";
import { isEnded } from "./states.js";

/** If a limit has not given way in a day, waiting does not help. */
const PATIENCE_SEC = 24 * 3600;
const FIRST_PAUSE_SEC = 20;
const LONGEST_PAUSE_SEC = 300;

export interface SubmitOptions {
  readonly run: RunPaths;
  readonly client: SlurmClient;
  readonly clock: Clock;
  readonly program: readonly string[];
  /** Tells people what was submitted, and why the rest was not. */
  readonly say: (text: string) => void;
}

/** Returns the next job's name, which is unique to the run and to this submission. */
export function nameJob({ runId }: RunPaths, { jobs }: Pick<Ledger, "jobs">): string {
  return `falcon-exp-${runId}-${jobs.length}`;
}

export function buildJob(
  ledger: Ledger,
  { slices, offset }: NextArray,
  { run, program }: Pick<SubmitOptions, "run" | "program">,
): string {
  return buildScript({
    settings: ledger.settings,
    name: nameJob(run, ledger),
    runFolder: run.folder,
    slices,
    offset,
    count: ledger.slices,
    program,
    cwd: ledger.cwd,
    python: ledger.python,
    attempts: ledger.attempts,
    retryFailed: ledger.retry_failed,
  });
}

/** Returns the ledger as it is once an array is submitted; the job's id becomes known later. */
export function addJob(before: Ledger, next: NextArray, run: RunPaths, at: Date): Ledger {
  const own = new Set(next.slices);
  const job: SubmittedJob = {
    id: null,
    name: nameJob(run, before),
    slices: [...next.slices],
    offset: next.offset,
    submitted_at: at.toISOString(),
  };
  return {
    ...before,
    jobs: [...before.jobs, job],
    waiting: before.waiting.filter((slice) => !own.has(slice)),
  };
}

export class Submitter {
  #limits: SlurmLimits | null = null;
  /** The most tasks of the next array, learned from limits that only sbatch reports. */
  #most = Number.POSITIVE_INFINITY;
  #refusedSinceSec: number | null = null;
  #pauseSec = 0;
  #nextSec = 0;
  #hasToldWaiting = false;

  constructor(private readonly options: SubmitOptions) {}

  /**
   * Submits what there is room for. The returned ledger, which is also on disk, lists what was submitted and what still waits.
   * Throws FalconError `slurm-missing`, `slurm-submit-failed`, `results-write-failed`.
   */
  async submitWaiting(before: Ledger, queue: Queue): Promise<Ledger> {
    const { clock, say } = this.options;
    if (before.waiting.length === 0 || clock.monotonicSec() < this.#nextSec) return before;
    const limits = await this.#askLimits();
    const names = new Set(before.jobs.map(({ name }) => name));
    const own = queue.rows.filter(({ name, state }) => names.has(name) && !isEnded(state ?? "")).length;
    let [ledger, crowd] = [before, { jobs: queue.jobs, own }];
    for (;;) {
      const arrayLimit = ledger.settings["array-limit"] ?? null;
      const room = countRoom({ waiting: ledger.waiting.length, arrayLimit }, crowd, limits);
      const most = Math.min(room, this.#most);
      const next = nextArray(ledger.waiting, { maxArraySize: limits.maxArraySize, most });
      if (next === null) {
        this.#tellWaiting(ledger, limits);
        return ledger;
      }
      const count = next.slices.length;
      const submitted = await this.#submitArray(ledger, next);
      ledger = submitted.ledger;
      if (submitted.kind === "taken") {
        say(`Submitted job ${submitted.id}: ${pluralize(count, "task")}`);
        crowd = { jobs: crowd.jobs + count, own: crowd.own + count };
        this.#most *= 2;
        this.#refusedSinceSec = null;
        this.#pauseSec = 0;
      } else if (submitted.kind === "full" && count > 1) {
        this.#most = Math.floor(count / 2);
      } else {
        if (submitted.kind === "full") this.#most = 1;
        this.#pause(submitted.said);
        return ledger;
      }
    }
  }

  async #askLimits(): Promise<SlurmLimits> {
    if (this.#limits !== null) return this.#limits;
    const told = await this.options.client.limits();
    if (told === null) {
      const { maxArraySize, maxJobCount } = DEFAULT_LIMITS;
      this.options.say(
        `Slurm did not report its limits (scontrol show config); assuming MaxArraySize ${maxArraySize} and MaxJobCount ${maxJobCount}.`,
      );
    }
    this.#limits = told ?? DEFAULT_LIMITS;
    return this.#limits;
  }

  async #submitArray(before: Ledger, next: NextArray): Promise<Submission & { readonly ledger: Ledger }> {
    const { run, client, clock } = this.options;
    const script = buildJob(before, next, this.options);
    const folder = join(run.folder, "slurm");
    await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
      throw writeFailed(folder, cause);
    });
    await writeResultFile(join(folder, `${nameJob(run, before)}.sh`), script);
    const begun = addJob(before, next, run, clock.now());
    // Written before sbatch is called: if its answer is lost, the job can still be found by its name.
    await writeLedger(run, begun);
    const submission = await client.submit(script).catch(async (error: unknown) => {
      await writeLedger(run, before);
      throw error;
    });
    const ledger = settleSubmission(submission, { before, begun });
    await writeLedger(run, ledger);
    // Slurm has not accepted any job of this run yet, so nothing shows that it would.
    if (submission.kind === "unanswered" && before.jobs.length === 0) throw submitFailed(submission.said);
    return { ...submission, ledger };
  }

  #tellWaiting({ waiting, settings }: Ledger, { maxJobCount }: SlurmLimits): void {
    if (waiting.length === 0 || this.#hasToldWaiting) return;
    this.#hasToldWaiting = true;
    const limit = settings["array-limit"];
    const why = `Slurm takes at most ${maxJobCount} jobs from all users (MaxJobCount), of which a tenth is left to other users${limit === undefined ? "" : `; at most ${limit} may be from this run (array-limit)`}`;
    this.options.say(
      `${pluralize(waiting.length, "task")} not submitted yet: ${why}. They are submitted as others end.`,
    );
  }

  #pause(said: string): void {
    const { clock, say } = this.options;
    const nowSec = clock.monotonicSec();
    this.#refusedSinceSec ??= nowSec;
    if (nowSec - this.#refusedSinceSec > PATIENCE_SEC)
      throw submitFailed(`${said} (for ${PATIENCE_SEC / 3600} hours)`);
    this.#pauseSec = Math.min(LONGEST_PAUSE_SEC, Math.max(FIRST_PAUSE_SEC, this.#pauseSec * 2));
    this.#nextSec = nowSec + this.#pauseSec;
    say(`Slurm accepts no more tasks at the moment (${said}); trying again in ${this.#pauseSec} s.`);
  }
}

function settleSubmission(
  submission: Submission,
  { before, begun }: { readonly before: Ledger; readonly begun: Ledger },
): Ledger {
  if (submission.kind === "full") return before;
  if (submission.kind === "unanswered") return begun;
  const jobs = begun.jobs.map((job, index) =>
    index === begun.jobs.length - 1 ? { ...job, id: submission.id } : job,
  );
  return { ...begun, jobs };
}
