/** What is recorded of one load session of the plan: a load of one configuration and what was asked of it. */
import type { RateSample } from "./precision.js";
import type { ConfigurationRecord, Failure, RunFileRecord } from "./record-types.js";
import { isTransient } from "./transient.js";

/** How something that was asked ended; null = completed. */
type Ended = Failure | null;

type SessionRecord = Extract<
  RunFileRecord,
  { kind: "load" | "trial" | "profile" | "quality" | "lm_eval" | "configuration" }
>;

/** `profile`, `lm_eval`, `quality english`: whatever is asked besides the trials. */
export type PostTrialName = "profile" | "lm_eval" | `quality ${string}`;

/** Grows with the records; holds no measurement but the rates that `repeats: auto` decides by. */
export class SessionProgress {
  /** Tries that began, by what is recorded of them. */
  attempts = 0;
  readonly trials = new Map<string, Ended>();
  readonly postTrial = new Map<PostTrialName, Ended>();
  /** How its newest try ended; null while one is under way, or when none was. */
  outcome: ConfigurationRecord | null = null;
  private readonly rateByTrial = new Map<string, RateSample>();
  private readonly transientFailures = new Map<number, Failure>();

  apply(record: SessionRecord): void {
    this.applyAttempt(record);
    switch (record.kind) {
      case "load":
        return;
      case "trial": {
        const ended = this.recordEnd(record);
        this.trials.set(record.trial_id, ended);
        if (record.status === "completed") {
          const { decode_tokens_per_sec, elapsed_sec } = record.measurement;
          const tokensPerSec = decode_tokens_per_sec ?? 1 / elapsed_sec;
          this.rateByTrial.set(record.trial_id, { promptIndex: record.prompt_index, tokensPerSec });
        }
        return;
      }
      case "profile":
      case "lm_eval":
        this.postTrial.set(record.kind, this.recordEnd(record));
        return;
      case "quality":
        this.postTrial.set(`quality ${record.text_id}`, this.recordEnd(record));
        return;
      case "configuration":
        if (record.status === "failed") this.recordEnd(record);
        this.outcome = record;
    }
  }

  get rates(): readonly RateSample[] {
    return [...this.rateByTrial.values()];
  }

  get trialsCompleted(): number {
    return [...this.trials.values()].filter((ended) => ended === null).length;
  }

  /** What failed in its newest try that may pass by itself. */
  get newestTransientFailure(): Failure | null {
    return this.transientFailures.get(this.attempts) ?? null;
  }

  /** Tries in which something failed that may pass by itself. */
  get transientAttempts(): number {
    return this.transientFailures.size;
  }

  /** A try is told by what it left; one that was called off before it began left nothing. */
  private applyAttempt(record: SessionRecord): void {
    const isNone =
      record.kind === "configuration" && (record.status === "cancelled" || record.status === "skipped");
    if (isNone) return;
    this.attempts = Math.max(this.attempts, record.attempt);
    if (this.outcome !== null && record.attempt > this.outcome.attempt) this.outcome = null;
  }

  private recordEnd(record: {
    readonly status: string;
    readonly attempt: number;
    readonly failure?: Failure;
  }): Ended {
    const failure = record.failure ?? null;
    if (failure !== null && isTransient(failure.code)) this.transientFailures.set(record.attempt, failure);
    return failure;
  }
}
