/** What is recorded of one load session of the plan: one load of a configuration, and everything that was measured in it. */
import type { ConfigurationRecord, Failure } from "./record-types.js";
import { isTransient } from "./transient.js";

/** The keys of a failure that must be known. */
export type FailureLike = Pick<Failure, "code">;

/** What the state itself needs of a record; anything else in a record is for the caller. */
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

/** `profile`, `lm_eval`, `quality english`: what is measured besides the trials. */
export type PostTrialName = "profile" | "lm_eval" | `quality ${string}`;

/** The state of one load session; its records are added in order. What was measured again counts once, with its newest result. */
export class SessionState<Trial extends TrialLike<F>, Outcome extends OutcomeLike<F>, F extends FailureLike> {
  /** Number of attempts that have begun, as far as records show. */
  attempts = 0;
  readonly trials = new Map<string, Trial>();
  readonly postTrial = new Map<PostTrialName, F | null>();
  /** How the newest attempt ended; null while one is in progress, or if there was none. */
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
    // A session that was cancelled or skipped before it began has no other records and does not count as an attempt.
    if (outcome.status !== "cancelled" && outcome.status !== "skipped") this.noteAttempt(outcome);
    if (outcome.status === "failed") this.noteFailure(outcome);
    this.outcome = outcome;
  }

  /** How a trial ended: its failure, null if it completed, undefined if nothing is recorded of it. */
  readTrialEnd(id: string): F | null | undefined {
    const trial = this.trials.get(id);
    return trial === undefined ? undefined : (trial.failure ?? null);
  }

  /** The transient failure of the newest attempt; null if it had none. */
  get newestTransientFailure(): F | null {
    return this.transientFailures.get(this.attempts) ?? null;
  }

  /** Number of attempts in which something failed that may be transient. */
  get transientAttempts(): number {
    return this.transientFailures.size;
  }

  /** An attempt is known only by the records it left. */
  private noteAttempt({ attempt }: OfAttempt<F>): void {
    this.attempts = Math.max(this.attempts, attempt);
    if (this.outcome !== null && attempt > this.outcome.attempt) this.outcome = null;
  }

  private noteFailure({ attempt, failure = undefined }: OfAttempt<F>): F | null {
    if (failure !== undefined && isTransient(failure.code)) this.transientFailures.set(attempt, failure);
    return failure ?? null;
  }
}
