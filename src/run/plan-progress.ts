/** What a run's records leave to be done of its plan. A function of plan and records alone. */

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
import type { LoadLogs } from "./load-spread.js";
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
  /** Whether what failed, or was left out because of it, is tried again. */
  readonly retryFailed: boolean;
  /** `textKey`s of what references score again, because what they kept for the others is gone. */
  readonly rescore: ReadonlySet<string>;
}
export const UNFINISHED: RemainingWorkOptions = { retryFailed: false, rescore: new Set() };

/** What is left of one load session. */
export interface SessionWork {
  readonly session: LoadSession;
  /** Number of the try that does it, from 1. */
  readonly attempt: number;
  /** To be measured, in order. For a drift probe: one a prompt. */
  readonly trials: readonly PlanTrial[];
  readonly profile: boolean;
  readonly texts: readonly PlanText[];
  readonly lmEval: boolean;
  /** Trials that earlier tries have recorded and this one leaves alone, completed or not. */
  readonly trialsOver: number;
  /** Of a trial that failed and stays so; null where there is none. */
  readonly trialFailure: Failure | null;
  /** What failed in the try before, where this one is made because it may pass by itself. */
  readonly retryOf: Failure | null;
}

export interface SessionResult {
  readonly trialsCompleted: number;
  /** Completed or failed. */
  readonly trialsRecorded: number;
  /** Everything that was asked for was measured. */
  readonly isComplete: boolean;
  /** Why the load session failed as a whole. */
  readonly failure: Failure | null;
}

type AnySession = SessionState<TrialLike<Failure>, OutcomeLike<Failure>, Failure>;

/** Without what was measured: answers and scores of tokens stay in the file. */
type Light<R> = R extends { readonly measurement: unknown } ? Omit<R, "measurement"> : R;
type LightTrial = Light<CompletedTrial> & {
  /** Null for a trial that was disturbed: how well the rate is known is not for it to say. */
  readonly tokensPerSec: number | null;
  readonly failure?: undefined;
};
type KeptRecord = Light<Exclude<RunFileRecord, CompletedTrial>> | LightTrial;

function lighten(record: RunFileRecord): KeptRecord {
  if (!("measurement" in record)) return record;
  const { measurement, ...kept } = record;
  if (record.kind !== "trial") return kept as KeptRecord;
  const rate = record.measurement.decode_tokens_per_sec ?? 1 / record.measurement.elapsed_sec;
  return { ...kept, tokensPerSec: record.disturbed_by.length > 0 ? null : rate } as LightTrial;
}

/** Grows with the records of a run. */
export class PlanProgress {
  readonly #state = new RunState<KeptRecord>();
  private readonly trialsBySession = new Map<string, readonly PlanTrial[]>();
  /** By configuration. */
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

  /** Whether the run's first record is there. */
  get hasStarted(): boolean {
    return this.#state.run !== null;
  }

  /** As the newest worker told it. */
  get environment(): RecordedEnvironment | null {
    return this.#state.environments.at(-1)?.environment ?? null;
  }

  /** Null when nothing is left to do. Empty work means that only the end of the load session is not recorded yet. */
  findRemainingWork(session: LoadSession, options: RemainingWorkOptions): SessionWork | null {
    return session.role === "sentinel"
      ? this.findDriftProbeWork(session)
      : this.measureWork(session, options);
  }

  /** The work left of every load session that has any, in order of running. */
  listRemainingWork(options: RemainingWorkOptions): readonly SessionWork[] {
    return this.plan.blocks.flatMap((session) => this.findRemainingWork(session, options) ?? []);
  }

  /** How each trial and each other measurement of a load session ended; null = completed. */
  readSession(session: LoadSession): Pick<AnySession, "readTrialEnd" | "postTrial"> {
    return this.at(session.configuration_id, session.round);
  }

  /** What of the other rounds' trials nothing is recorded of yet, for a load that measures them as well. */
  listTrialsOfLaterRounds({ configuration_id, round }: LoadSession): readonly PlanTrial[] {
    const sessions = this.plan.blocks.filter(
      (one) => one.configuration_id === configuration_id && one.role === "measure" && one.round > round,
    );
    return sessions.flatMap((session) =>
      this.listTrials(session).filter(({ id }) => this.readTrialEnd(session, id) === undefined),
    );
  }

  /** Of the same files, as the first of the run's loads had them; null where none told. */
  findFingerprints(configuration: PlanConfiguration): Fingerprints | null {
    // Named once: to do it again for each load of thousands takes longer than some of the loads.
    this.#files ??= new Map(this.plan.configurations.map((one) => [one.worker.id, nameFiles(one)]));
    const files = nameFiles(configuration);
    const loads = this.plan.configurations.flatMap(({ worker }) =>
      this.#files?.get(worker.id) === files ? (this.#state.configuration(worker.id).load ?? []) : [],
    );
    return loads.find(({ load }) => load.fingerprints !== null)?.load.fingerprints ?? null;
  }

  /** The proof that was read after the last trials of a configuration; null where it was not. */
  findProofAfter(configurationId: string): RecordedProof | null {
    const { outcome } = this.#state.configuration(configurationId);
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
   * What references have to score again, as `textKey`s: they did once, another configuration is still to be compared with
   * them, and what they left on the disk is gone.
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
   * Logarithms of the decode rates that nothing disturbed, a list for each load before `round` that has any. Empty where a load
   * of these did not complete, or is of another run: what loads differ by is then not known.
   */
  listLoadRates(configurationId: string, round: number): LoadLogs {
    const state = this.#state.configuration(configurationId);
    if (state.reusedFrom !== null) return [];
    const sessions = Array.from({ length: round }, (_, index) => state.session(index));
    if (sessions.some(({ outcome }) => outcome?.status !== "completed")) return [];
    return sessions
      .map(({ trials }) =>
        [...trials.values()].flatMap((trial) =>
          "tokensPerSec" in trial && trial.tokensPerSec !== null ? Math.log(trial.tokensPerSec) : [],
        ),
      )
      .filter((rates) => rates.length > 0);
  }

  /** What `repeats: auto` says of the trials so far; `as-planned` without it, and while more are wanted. */
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
        // A trial that a completed load session lacks was recorded, and damaged since.
        return (isTriedAgain && !isEmpty(work)) || hasRescored || hasLost ? work : null;
      case "failed":
        return isTriedAgain ? work : null;
      case "skipped":
        return options.retryFailed ? work : null;
    }
  }

  private findDriftProbeWork(session: LoadSession): SessionWork | null {
    const probes = this.#state.driftProbes.filter(({ position }) => position === session.round);
    // Over as a whole once one of its prompts failed.
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

  /** A load that costs more than its trials measures those of later rounds as well: they are of the first round then. */
  private readTrialEnd({ configuration_id, round }: LoadSession, id: string): Failure | null | undefined {
    const own = this.at(configuration_id, round).readTrialEnd(id);
    return own === undefined && round > 0 ? this.at(configuration_id, 0).readTrialEnd(id) : own;
  }

  /** That the plan has for it, or would have for a further load. */
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

/** Which folder keeps what a reference says of a text: of the plan's first reference the text's own name. */
export function textKey({ header }: Pick<Plan, "header">, referenceId: string, textId: string): string {
  return referenceId === header.reference_configuration_id ? textId : `${referenceId}/${textId}`;
}

/** Whether nothing is to be measured: only the load session's end is to be recorded. */
export function isEmpty({ trials, profile, texts, lmEval }: SessionWork): boolean {
  return trials.length === 0 && texts.length === 0 && !profile && !lmEval;
}

function buildKey(configurationId: string, round: number): string {
  return `${round}/${configurationId}`;
}

/** What its weights are read from: a quantization may bring a checkpoint of its own. */
function nameFiles({ worker: { model, quantization } }: Pick<PlanConfiguration, "worker">): string {
  return canonicalJson({ model, checkpoint: findCheckpoint(quantization) });
}
