/**
 * Reduces a run's records to its state, in one place for all: resume, list, serve, summary, history and report are built on it,
 * each with as much of a record as it parses (`R`).
 */
import type { ConfigurationRecord, Failure, ReusedFrom, RunFileRecord } from "./record-types.js";
import { type FailureLike, type OutcomeLike, SessionState, type TrialLike } from "./session-state.js";

type Timed = { readonly at: string };
type OfConfiguration = Timed & { readonly configuration_id: string; readonly attempt: number };
type OfSession = OfConfiguration & { readonly round: number };

/** The keys of each kind of record that must be known. */
export type StateRecord<F> =
  | ({ readonly kind: "run" | "resume" | "environment" } & Timed)
  | ({ readonly kind: "run_end"; readonly elapsed_sec: number } & Timed)
  | ({ readonly kind: "sentinel" | "task_loss" } & Timed)
  | ({ readonly kind: "load" } & OfSession)
  | ({ readonly kind: "trial" } & OfSession & TrialLike<F>)
  | ({ readonly kind: "configuration" } & OfSession & OutcomeLike<F>)
  | ({ readonly kind: "warmup" | "profile" | "lm_eval" } & OfConfiguration)
  | ({ readonly kind: "quality"; readonly text_id: string } & OfConfiguration);

type Of<R, K extends RunFileRecord["kind"]> = Extract<R, { readonly kind: K }>;
type TrialOf<R, F> = Of<R, "trial"> & TrialLike<F>;
type OutcomeOf<R, F> = Of<R, "configuration"> & OutcomeLike<F>;

/**
 * `completed`, `failed`, `cancelled`, `skipped` as recorded; `interrupted` if it began and its last record is missing (the
 * controller was killed); `not_run` if nothing of it is recorded.
 */
export type ConfigurationStatus = ConfigurationRecord["status"] | "interrupted" | "not_run";

/** The state of a run; its records are added in order. */
export class RunState<R extends StateRecord<F>, F extends FailureLike = Failure> {
  /** Null before the run record. */
  run: Of<R, "run"> | null = null;
  /** Null while the run is in progress, and if its controller was killed. */
  end: Of<R, "run_end"> | null = null;
  readonly resumes: Of<R, "resume">[] = [];
  readonly environments: Of<R, "environment">[] = [];
  readonly driftProbes: Of<R, "sentinel">[] = [];
  readonly taskLosses: Of<R, "task_loss">[] = [];
  readonly #configurations = new Map<string, ConfigurationState<R, F>>();
  #lastAt: string | null = null;
  /** Seconds of the parts before the last `resume`. */
  #earlierSec = 0;
  #partBegan: string | null = null;

  add(record: R): void {
    if (record.kind === "run" || record.kind === "resume") {
      this.#earlierSec += this.#countPartSec();
      this.#partBegan = record.at;
    }
    this.sawRecordAt(record.at);
    // TypeScript does not narrow a type parameter by its key.
    switch (record.kind) {
      case "run":
        this.run ??= record as unknown as Of<R, "run">;
        return;
      case "resume":
        this.resumes.push(record as unknown as Of<R, "resume">);
        return;
      case "environment":
        this.environments.push(record as unknown as Of<R, "environment">);
        return;
      case "sentinel":
        this.driftProbes.push(record as unknown as Of<R, "sentinel">);
        return;
      case "task_loss":
        this.taskLosses.push(record as unknown as Of<R, "task_loss">);
        return;
      case "run_end":
        this.end = record as unknown as Of<R, "run_end">;
        return;
      default:
        this.configuration(record.configuration_id).add(record);
    }
  }

  /**
   * Notes the time of a record, even of one that is not parsed: the run went on until then. A run with records after its end
   * has not ended.
   */
  sawRecordAt(at: string): void {
    this.#lastAt = at;
    this.end = null;
  }

  /** Seconds over all its parts: each part's own time if it ended, else the time up to its last record; null without records. */
  get elapsedSec(): number | null {
    return this.run === null ? null : this.#earlierSec + this.#countPartSec();
  }

  configuration(id: string): ConfigurationState<R, F> {
    const known = this.#configurations.get(id) ?? new ConfigurationState<R, F>();
    this.#configurations.set(id, known);
    return known;
  }

  /** Ids of the configurations that records name. */
  configurationIds(): readonly string[] {
    return [...this.#configurations].filter(([, { hasBegun }]) => hasBegun).map(([id]) => id);
  }

  /**
   * Seconds of the current part. A part that was killed lasted at least until its last record. Never negative, even if the
   * clock was set back.
   */
  #countPartSec(): number {
    if (this.end !== null) return (this.end as { readonly elapsed_sec: number }).elapsed_sec;
    if (this.#partBegan === null || this.#lastAt === null) return 0;
    const seconds = (Date.parse(this.#lastAt) - Date.parse(this.#partBegan)) / 1000;
    return Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
  }
}

/** What is recorded of one configuration, in all its rounds. What was measured again counts once, with its newest result. */
export class ConfigurationState<R extends StateRecord<F>, F extends FailureLike = Failure> {
  hasBegun = false;
  /** The load of the first round, from its newest attempt. */
  load: Of<R, "load"> | null = null;
  readonly warmups: Of<R, "warmup">[] = [];
  profile: Of<R, "profile"> | null = null;
  /** By text id. */
  readonly quality = new Map<string, Of<R, "quality">>();
  lmEval: Of<R, "lm_eval"> | null = null;
  /** The earlier run that measured it; null if this run did. */
  reusedFrom: ReusedFrom | null = null;
  /** Codes of the failures that ended attempts, in order. */
  readonly failureCodes: string[] = [];
  /** By round number. */
  readonly #sessions = new Map<number, SessionState<TrialOf<R, F>, OutcomeOf<R, F>, F>>();

  add(record: StateRecord<F> & OfConfiguration): void {
    this.hasBegun = true;
    this.reusedFrom ??= (record as { readonly reused_from?: ReusedFrom | null }).reused_from ?? null;
    switch (record.kind) {
      case "load":
        if (record.round === 0) this.load = record as unknown as Of<R, "load">;
        this.session(record.round).addLoad(record);
        return;
      case "trial":
        this.session(record.round).addTrial(record as unknown as TrialOf<R, F>);
        return;
      case "configuration":
        if (record.status === "failed") this.failureCodes.push(record.failure?.code ?? "");
        this.session(record.round).addOutcome(record as unknown as OutcomeOf<R, F>);
        return;
      case "warmup":
        this.warmups.push(record as unknown as Of<R, "warmup">);
        return;
      // Measured in the first round only.
      case "profile":
        this.profile = record as unknown as Of<R, "profile">;
        this.session(0).addPostTrial("profile", record);
        return;
      case "lm_eval":
        this.lmEval = record as unknown as Of<R, "lm_eval">;
        this.session(0).addPostTrial("lm_eval", record);
        return;
      case "quality":
        this.quality.set(record.text_id, record as unknown as Of<R, "quality">);
        this.session(0).addPostTrial(`quality ${record.text_id}`, record);
    }
  }

  session(round: number): SessionState<TrialOf<R, F>, OutcomeOf<R, F>, F> {
    const known = this.#sessions.get(round) ?? new SessionState();
    this.#sessions.set(round, known);
    return known;
  }

  /** The trials of all rounds. */
  get trials(): readonly TrialOf<R, F>[] {
    // A trial of a later round may have failed in the first load before it was measured in its own round.
    const byId = new Map([...this.#sessions.values()].flatMap(({ trials }) => [...trials]));
    return [...byId.values()];
  }

  /** Number of trials in loads after the planned rounds. */
  countFurtherTrials(rounds: number): number {
    return [...this.#sessions].reduce(
      (sum, [round, { trials }]) => sum + (round < rounds ? 0 : trials.size),
      0,
    );
  }

  /** The most attempts that one of its rounds took; 1 if nothing was resumed or tried again. */
  get attempts(): number {
    return Math.max(1, ...[...this.#sessions.values()].map(({ attempts }) => attempts));
  }

  /**
   * The outcome that says most, with each round as its newest attempt ended: a failure, else a cancelled or skipped round of the
   * `rounds` planned ones, else the last one. A further round that was cut off takes nothing from what the planned ones measured.
   */
  readOutcome(rounds: number): OutcomeOf<R, F> | null {
    const isFurtherCutOff = ({ round, status }: StateRecord<F> & { readonly kind: "configuration" }) =>
      round >= rounds && (status === "cancelled" || status === "skipped");
    const outcomes = this.outcomes.filter((outcome) => !isFurtherCutOff(outcome));
    const order: readonly ConfigurationRecord["status"][] = ["failed", "cancelled", "skipped", "completed"];
    for (const status of order) {
      const found = outcomes.findLast((outcome) => outcome.status === status);
      if (found !== undefined) return found;
    }
    return null;
  }

  /** `interrupted`: it began and has not ended; only the caller knows whether it still can. */
  readStatus(rounds: number): ConfigurationStatus {
    if (!this.hasBegun) return "not_run";
    const outcome = this.readOutcome(rounds);
    const isCutOff = outcome === null || (outcome.status === "completed" && this.outcomes.length < rounds);
    return isCutOff ? "interrupted" : outcome.status;
  }

  /** One outcome per round: how its newest attempt ended. */
  get outcomes(): readonly OutcomeOf<R, F>[] {
    return [...this.#sessions].toSorted(([a], [b]) => a - b).flatMap(([, { outcome }]) => outcome ?? []);
  }
}
