/** What is recorded of one load session of the plan: a load of one configuration and what was asked of it. */
import type { ConfigurationRecord, Failure } from "./record-types.js";
import { isTransient } from "./transient.js";

/** What must be known of a failure. */
export type FailureLike = Pick<Failure, "code">;

/** What the state itself needs of a record; what else a record holds is for whoever asks. */
interface OfAttempt<F> {
  readonly attempt: number;
  readonly failure?: F | undefined;
}
export interface TrialLike<F> extends OfAttempt<F> {
  readonly trial_id: string;
}
export interface OutcomeLike<F> extends OfAttempt<F> {
  readonly status: ConfigurationRecord["status"];
}

/** `profile`, `lm_eval`, `quality english`: whatever is asked besides the trials. */
export type PostTrialName = "profile" | "lm_eval" | `quality ${string}`;

/** Grows with the records of one load session, in their order. What was run again counts once: as it went the last time. */
export class SessionState<Trial extends TrialLike<F>, Outcome extends OutcomeLike<F>, F extends FailureLike> {
  /** Tries that began, by what is recorded of them. */
  attempts = 0;
  readonly trials = new Map<string, Trial>();
  readonly postTrial = new Map<PostTrialName, F | null>();
  /** How its newest try ended; null while one is under way, or when none was. */
  outcome: Outcome | null = null;
  private readonly transientFailures = new Map<number, F>();

  addLoad(record: OfAttempt<F>): void {
    this.noteAttempt(record);
  }

  addTrial(trial: Trial): void {
    this.noteAttempt(trial);
    this.trials.set(trial.trial_id, trial);
    this.noteFailure(trial);
  }

  addPostTrial(name: PostTrialName, record: OfAttempt<F>): void {
    this.noteAttempt(record);
    this.postTrial.set(name, this.noteFailure(record));
  }

  addOutcome(outcome: Outcome): void {
    // One that was called off before it began left nothing, and was no try.
    if (outcome.status !== "cancelled" && outcome.status !== "skipped") this.noteAttempt(outcome);
    if (outcome.status === "failed") this.noteFailure(outcome);
    this.outcome = outcome;
  }

  /** Undefined where nothing is recorded of the trial. */
  readTrialEnd(id: string): F | null | undefined {
    const trial = this.trials.get(id);
    return trial === undefined ? undefined : (trial.failure ?? null);
  }

  /** What failed in its newest try that may pass by itself. */
  get newestTransientFailure(): F | null {
    return this.transientFailures.get(this.attempts) ?? null;
  }

  /** Tries in which something failed that may pass by itself. */
  get transientAttempts(): number {
    return this.transientFailures.size;
  }

  /** A try is told by what it left. */
  private noteAttempt({ attempt }: OfAttempt<F>): void {
    this.attempts = Math.max(this.attempts, attempt);
    if (this.outcome !== null && attempt > this.outcome.attempt) this.outcome = null;
  }

  private noteFailure({ attempt, failure = undefined }: OfAttempt<F>): F | null {
    if (failure !== undefined && isTransient(failure.code)) this.transientFailures.set(attempt, failure);
    return failure ?? null;
  }
}
