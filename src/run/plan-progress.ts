/** What is left to do of a run's plan according to its records. Depends on the plan and the records alone. */

import { canonicalJson } from "../base/json.js";
import { planFurtherTrials } from "../plan/further-rounds.js";
import {
  type LoadSession,
  type Plan,
  type PlanConfiguration,
  type PlanText,
  type PlanTrial,
  referenceIdOf,
} from "../plan/plan-types.js";
import type { Fingerprints } from "../protocol/measurements.js";
import { findCheckpoint } from "../quantization/registry.js";
import { repeatsEndAfter } from "./precision.js";
import type {
  CompletedTrial,
  Failure,
  RecordedEnvironment,
  RecordedProof,
  RepeatsEnd,
  RunFileRecord,
} from "./record-types.js";
import type { OutcomeLike, PostTrialName, SessionState, TrialLike } from "./session-state.js";
import { RunState } from "./state.js";
import { isTransient } from "./transient.js";

export interface RemainingWorkOptions {
  /** Whether what failed, or was skipped because of a failure, is tried again. */
  readonly retryFailed: boolean;
  /** `textKey`s of the texts that references score again, because the log-probabilities they kept for the others are gone. */
  readonly rescore: ReadonlySet<string>;
}
export const UNFINISHED: RemainingWorkOptions = { retryFailed: false, rescore: new Set() };

/** What is left of one load session. */
export interface SessionWork {
  readonly session: LoadSession;
  /** Number of the attempt that does it, from 1. */
  readonly attempt: number;
  /** Trials to be measured, in order. For a drift probe, one per prompt. */
  readonly trials: readonly PlanTrial[];
  readonly profile: boolean;
  readonly texts: readonly PlanText[];
  readonly lmEval: boolean;
  /** Number of trials that earlier attempts have recorded, completed or not, and that this one does not repeat. */
  readonly trialsOver: number;
  /** The failure of a trial that is not tried again; null if there is none. */
  readonly trialFailure: Failure | null;
  /** What failed in the previous attempt, if this one is made because that failure may be transient; else null. */
  readonly retryOf: Failure | null;
}

export interface SessionResult {
  readonly trialsCompleted: number;
  /** Number of trials that completed or failed. */
  readonly trialsRecorded: number;
  /** Whether everything that was asked for was measured. */
  readonly isComplete: boolean;
  /** Why the load session failed as a whole; null if it did not. */
  readonly failure: Failure | null;
}

type AnySession = SessionState<TrialLike<Failure>, OutcomeLike<Failure>, Failure>;

/** A record without its measurement: answers and scores of tokens stay in the file. */
type Light<R> = R extends { readonly measurement: unknown } ? Omit<R, "measurement"> : R;
type LightTrial = Light<CompletedTrial> & {
  /** Null for a disturbed trial, which says nothing about how well the rate is known. */
  readonly tokensPerSec: number | null;
  readonly failure?: undefined;
};
type KeptRecord = Light<Exclude<RunFileRecord, CompletedTrial>> | LightTrial;

/** How fast one trial decoded, and where it belongs. */
export type TrialRate = Pick<LightTrial, "prompt_index" | "repeat" | "round" | "tokensPerSec">;

function lighten(record: RunFileRecord): KeptRecord {
  if (!("measurement" in record)) return record;
  const { measurement, ...kept } = record;
  if (record.kind !== "trial") return kept as KeptRecord;
  const rate = record.measurement.decode_tokens_per_sec ?? 1 / record.measurement.elapsed_sec;
  return { ...kept, tokensPerSec: record.disturbed_by.length > 0 ? null : rate } as LightTrial;
}

/** The progress of a run, updated with each of its records. */
export class PlanProgress {
  readonly #state = new RunState<KeptRecord>();
  private readonly trialsBySession = new Map<string, readonly PlanTrial[]>();
  /** What each configuration's weights are read from (`nameFiles`), by configuration id. */
  #files: ReadonlyMap<string, string> | null = null;
  #references: ReadonlyMap<string, string> | null = null;

  constructor(
    private readonly plan: Plan,
    records: readonly RunFileRecord[] = [],
  ) {
    const planned = new Map<string, PlanTrial[]>();
    for (const trial of plan.trials) {
      const key = buildKey(trial.configuration_id, trial.round);
      const others = planned.get(key);
      if (others === undefined) planned.set(key, [trial]);
      else others.push(trial);
    }
    for (const [key, trials] of planned) this.trialsBySession.set(key, trials);
    for (const record of records) this.apply(record);
  }

  apply(record: RunFileRecord): void {
    this.#state.add(lighten(record));
  }

  /** Whether the run record exists. */
  get hasStarted(): boolean {
    return this.#state.run !== null;
  }

  /** As reported by the newest worker; null before any has. */
  get environment(): RecordedEnvironment | null {
    return this.#state.environments.at(-1)?.environment ?? null;
  }

  /**
   * Finds what is left of a load session. Null if nothing is left to do; empty if only the end of the session is not recorded
   * yet.
   */
  findRemainingWork(session: LoadSession, options: RemainingWorkOptions): SessionWork | null {
    return session.role === "sentinel"
      ? this.findDriftProbeWork(session)
      : this.measureWork(session, options);
  }

  /** The remaining work of every load session that has any, in order of running. */
  listRemainingWork(options: RemainingWorkOptions): readonly SessionWork[] {
    return this.plan.blocks.flatMap((session) => this.findRemainingWork(session, options) ?? []);
  }

  /** How each trial and each other measurement of a load session ended; null if it completed. */
  readSession(session: LoadSession): Pick<AnySession, "readTrialEnd" | "postTrial"> {
    return this.at(session.configuration_id, session.round);
  }

  /** Trials of later rounds of which nothing is recorded yet, for a load that measures them as well. */
  listTrialsOfLaterRounds({ configuration_id, round }: LoadSession): readonly PlanTrial[] {
    const sessions = this.plan.blocks.filter(
      (one) => one.configuration_id === configuration_id && one.role === "measure" && one.round > round,
    );
    return sessions.flatMap((session) =>
      this.listTrials(session).filter(({ id }) => this.readTrialEnd(session, id) === undefined),
    );
  }

  /**
   * The fingerprints of the configuration's files, as recorded by the run's first load of the same files; null if no load
   * recorded any.
   */
  findFingerprints(configuration: PlanConfiguration): Fingerprints | null {
    // Computed once: with thousands of loads, repeating it for each takes longer than some of the loads.
    this.#files ??= new Map(this.plan.configurations.map((one) => [one.worker.id, nameFiles(one)]));
    const files = nameFiles(configuration);
    const loads = this.plan.configurations.flatMap(({ worker }) =>
      this.#files?.get(worker.id) === files ? (this.#state.configuration(worker.id).load ?? []) : [],
    );
    return loads.find(({ load }) => load.fingerprints !== null)?.load.fingerprints ?? null;
  }

  /** The proof that was read after a configuration's last trials; null if it was not read. */
  findProofAfter(configurationId: string): RecordedProof | null {
    const outcome = this.#state.configuration(configurationId).readOutcome(this.plan.header.rounds);
    return outcome?.status === "completed" ? outcome.proof_after : null;
  }

  summarizeSession(session: LoadSession): SessionResult {
    const state = this.at(session.configuration_id, session.round);
    const { outcome, trials } = state;
    const isWhole = (id: string) => this.readTrialEnd(session, id) === null;
    const planned = this.listTrialIds(session).filter((id) => this.readTrialEnd(session, id) !== undefined);
    const recorded = [...new Set([...trials.keys(), ...planned])];
    const measured = this.plan.header.auto_repeats === null ? this.listTrialIds(session) : recorded;
    return {
      trialsCompleted: recorded.filter(isWhole).length,
      trialsRecorded: recorded.length,
      isComplete:
        outcome?.status === "completed" &&
        measured.every(isWhole) &&
        this.listPostTrialNames(session).every((name) => state.postTrial.get(name) === null),
      failure: outcome?.status === "failed" ? outcome.failure : null,
    };
  }

  /**
   * `textKey`s of the texts that references have to score again: they scored them before, another configuration is still to be
   * compared with them, and the log-probabilities they left on the disk are gone.
   */
  textsToRescore(isKept: (key: string) => boolean, retryFailed: boolean): ReadonlySet<string> {
    const needed = this.plan.blocks
      .filter(({ role, round }) => role === "measure" && round === 0)
      .flatMap((session) => {
        const reference = this.findReference(session.configuration_id);
        if (reference === session.configuration_id) return [];
        const scored = this.at(reference, 0).postTrial;
        const texts = this.findRemainingWork(session, { ...UNFINISHED, retryFailed })?.texts ?? [];
        return texts
          .filter(({ id }) => scored.get(`quality ${id}`) === null)
          .map(({ id }) => textKey(this.plan, reference, id));
      });
    return new Set(needed.filter((key) => !isKept(key)));
  }

  /**
   * How fast the completed trials of the loads before `round` decoded. Empty if one of these loads did not complete, or if they
   * come from another run: then it is not known how much loads differ.
   */
  listTrialRates(configurationId: string, round: number): readonly TrialRate[] {
    const state = this.#state.configuration(configurationId);
    if (state.reusedFrom !== null) return [];
    const sessions = Array.from({ length: round }, (_, index) => state.session(index));
    if (sessions.some(({ outcome }) => outcome?.status !== "completed")) return [];
    return sessions.flatMap(({ trials }) =>
      [...trials.values()].flatMap((trial) => ("tokensPerSec" in trial ? trial : [])),
    );
  }

  /** Why `repeats: auto` asks for no more trials than there are so far; `as-planned` without it, and while it wants more. */
  findRepeatsEnd(session: LoadSession): RepeatsEnd {
    const auto = this.plan.header.auto_repeats;
    if (auto === null) return "as-planned";
    const state = this.at(session.configuration_id, session.round);
    const trials = this.listTrials(session);
    const open = trials.find(({ id }) => !state.trials.has(id));
    const repeatsDone = open === undefined ? auto.most : open.repeat - (trials[0]?.repeat ?? 0);
    const rates = [...state.trials.values()].flatMap((trial) =>
      "tokensPerSec" in trial && trial.tokensPerSec !== null
        ? { promptIndex: trial.prompt_index, tokensPerSec: trial.tokensPerSec }
        : [],
    );
    return repeatsEndAfter(repeatsDone, rates, auto) ?? "as-planned";
  }

  private measureWork(session: LoadSession, options: RemainingWorkOptions): SessionWork | null {
    const state = this.at(session.configuration_id, session.round);
    const mayTryAgain = state.transientAttempts <= this.plan.header.retries;
    const isAgain = (ended: Failure | null | undefined) =>
      ended === undefined ||
      (ended !== null && (options.retryFailed || (mayTryAgain && isTransient(ended.code))));
    const hasEnough = this.findRepeatsEnd(session) !== "as-planned";
    const planned = this.listTrials(session);
    const readEnd = ({ id }: PlanTrial) => this.readTrialEnd(session, id);
    const trials = planned.filter((trial) => {
      const ended = readEnd(trial);
      return isAgain(ended) && !(hasEnough && ended === undefined);
    });
    const again = new Set(trials);
    const kept = planned.filter((trial) => readEnd(trial) !== undefined && !again.has(trial));
    const postTrial = this.listPostTrialNames(session).filter((name) => isAgain(state.postTrial.get(name)));
    const isRescored = (id: string) =>
      session.round === 0 && options.rescore.has(textKey(this.plan, session.configuration_id, id));
    const hasRescored = this.plan.texts.some(({ id }) => isRescored(id));
    const retryOf = mayTryAgain ? state.newestTransientFailure : null;
    const work: SessionWork = {
      session,
      attempt: state.attempts + 1,
      trials,
      profile: postTrial.includes("profile"),
      texts: this.plan.texts.filter(({ id }) => postTrial.includes(`quality ${id}`) || isRescored(id)),
      lmEval: postTrial.includes("lm_eval"),
      trialsOver: kept.length,
      trialFailure: kept.map((trial) => readEnd(trial) ?? null).find((ended) => ended !== null) ?? null,
      retryOf,
    };
    const hasLost = trials.some((trial) => readEnd(trial) === undefined);
    const isTriedAgain = options.retryFailed || retryOf !== null;
    switch (state.outcome?.status) {
      case undefined:
      case "cancelled":
        return work;
      case "completed":
        // A trial that is missing from a completed load session was recorded, and its record was damaged later.
        return (isTriedAgain && !isEmpty(work)) || hasRescored || hasLost ? work : null;
      case "failed":
        return isTriedAgain ? work : null;
      case "skipped":
        return options.retryFailed ? work : null;
    }
  }

  private findDriftProbeWork(session: LoadSession): SessionWork | null {
    const probes = this.#state.driftProbes.filter(({ position }) => position === session.round);
    // The probe is over as a whole once one of its prompts has failed.
    if (probes.some(({ status }) => status === "failed")) return null;
    const over = new Set(probes.map(({ prompt_index }) => prompt_index));
    const prompts = this.plan.trials.filter(
      ({ configuration_id, repeat }) => configuration_id === session.configuration_id && repeat === 0,
    );
    const trials = prompts.filter(({ prompt_index }) => !over.has(prompt_index));
    if (trials.length === 0) return null;
    const nothingElse = { profile: false, texts: [], lmEval: false, trialFailure: null, retryOf: null };
    return { session, attempt: 1, trials, trialsOver: 0, ...nothingElse };
  }

  private listPostTrialNames(session: LoadSession): readonly PostTrialName[] {
    if (session.round > 0) return [];
    const { header, texts } = this.plan;
    return [
      ...(header.profile ? (["profile"] as const) : []),
      ...texts.map(({ id }): PostTrialName => `quality ${id}`),
      ...(header.quality?.lm_eval ? (["lm_eval"] as const) : []),
    ];
  }

  private findReference(configurationId: string): string {
    this.#references ??= new Map(
      this.plan.configurations.map((one) => [one.worker.id, referenceIdOf(one, this.plan.header)]),
    );
    return this.#references.get(configurationId) ?? configurationId;
  }

  /**
   * How a trial ended. A load that costs more than its trials also measures those of later rounds, so these are looked up in
   * the first round too.
   */
  private readTrialEnd({ configuration_id, round }: LoadSession, id: string): Failure | null | undefined {
    const own = this.at(configuration_id, round).readTrialEnd(id);
    return own === undefined && round > 0 ? this.at(configuration_id, 0).readTrialEnd(id) : own;
  }

  /** Lists the trials that the plan has for a load, or would have for a further load. */
  listTrials({
    configuration_id,
    round,
  }: Pick<LoadSession, "configuration_id" | "round">): readonly PlanTrial[] {
    const key = buildKey(configuration_id, round);
    const known = this.trialsBySession.get(key);
    if (known !== undefined || round < this.plan.header.rounds) return known ?? [];
    const further = planFurtherTrials(this.plan, configuration_id, round);
    this.trialsBySession.set(key, further);
    return further;
  }

  private listTrialIds(session: LoadSession): readonly string[] {
    return this.listTrials(session).map(({ id }) => id);
  }

  private at(configurationId: string, round: number) {
    return this.#state.configuration(configurationId).session(round);
  }
}

/**
 * Name of the folder that keeps a reference's log-probabilities of a text; for the plan's first reference it is the text's id
 * alone.
 */
export function textKey({ header }: Pick<Plan, "header">, referenceId: string, textId: string): string {
  return referenceId === header.reference_configuration_id ? textId : `${referenceId}/${textId}`;
}

/** Whether nothing is left to measure, so that only the load session's end has to be recorded. */
export function isEmpty({ trials, profile, texts, lmEval }: SessionWork): boolean {
  return trials.length === 0 && texts.length === 0 && !profile && !lmEval;
}

function buildKey(configurationId: string, round: number): string {
  return `${round}/${configurationId}`;
}

/** Identifies the files that a configuration's weights are read from; a quantization may bring its own checkpoint. */
function nameFiles({ worker: { model, quantization } }: Pick<PlanConfiguration, "worker">): string {
  return canonicalJson({ model, checkpoint: findCheckpoint(quantization) });
}
