/** What a run's records leave to be done of its plan. A function of plan and records alone. */
import type { Plan, PlanBlock, PlanText, PlanTrial } from "../plan/plan-types.js";
import { BlockProgress, type ExtraName } from "./block-progress.js";
import { repeatsEndAfter } from "./precision.js";
import type { Failure, RecordedEnvironment, RepeatsEnd, RunFileRecord } from "./record-types.js";
import { isTransient } from "./transient.js";

export interface WorkOptions {
  /** Whether what failed, or was left out because of it, is tried again. */
  readonly retryFailed: boolean;
  /** Texts that the reference scores again, because what it kept for the others is gone. */
  readonly rescore: ReadonlySet<string>;
}
export const UNFINISHED: WorkOptions = { retryFailed: false, rescore: new Set() };

/** What is left of one block. */
export interface BlockWork {
  readonly block: PlanBlock;
  /** Number of the try that does it, from 1. */
  readonly attempt: number;
  /** To be measured, in order. Of a sentinel: one a prompt. */
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

export interface BlockResult {
  readonly trialsCompleted: number;
  /** Completed or failed. */
  readonly trialsRecorded: number;
  /** Everything that was asked for was measured. */
  readonly isComplete: boolean;
  /** Why the block failed as a whole. */
  readonly failure: Failure | null;
}

/** Grows with the records of a run. */
export class PlanProgress {
  /** Whether the run's first record is there. */
  hasStarted = false;
  /** As the newest worker told it. */
  environment: RecordedEnvironment | null = null;
  private readonly blocks = new Map<string, BlockProgress>();
  private readonly trialsByBlock = new Map<string, PlanTrial[]>();
  /** Prompts of a sentinel that are over, by position; the position as a whole once one failed. */
  private readonly sentinels = new Map<number, Set<number> | "failed">();

  constructor(
    private readonly plan: Plan,
    records: readonly RunFileRecord[] = [],
  ) {
    for (const trial of plan.trials) {
      const key = keyOf(trial.configuration_id, trial.round);
      const others = this.trialsByBlock.get(key);
      if (others === undefined) this.trialsByBlock.set(key, [trial]);
      else others.push(trial);
    }
    for (const record of records) this.note(record);
  }

  note(record: RunFileRecord): void {
    switch (record.kind) {
      case "run":
        this.hasStarted = true;
        return;
      case "environment":
        this.environment = record.environment;
        return;
      case "load":
      case "trial":
      case "configuration":
        this.at(record.configuration_id, record.round).note(record);
        return;
      // Asked in the first round only.
      case "profile":
      case "quality":
      case "lm_eval":
        this.at(record.configuration_id, 0).note(record);
        return;
      case "sentinel": {
        const prompts = this.sentinels.get(record.position) ?? new Set();
        if (prompts === "failed") return;
        const isFailed = record.status === "failed";
        this.sentinels.set(record.position, isFailed ? "failed" : prompts.add(record.prompt_index));
      }
    }
  }

  /** Null where nothing is left to do. The work of a block of which only the end is not recorded is empty. */
  workOf(block: PlanBlock, options: WorkOptions): BlockWork | null {
    return block.role === "sentinel" ? this.sentinelWork(block) : this.measureWork(block, options);
  }

  /** The work of every block that has any, in order of running. */
  left(options: WorkOptions): readonly BlockWork[] {
    return this.plan.blocks.flatMap((block) => this.workOf(block, options) ?? []);
  }

  resultOf(block: PlanBlock): BlockResult {
    const state = this.at(block.configuration_id, block.round);
    const { outcome, trialsCompleted, trials } = state;
    const isWhole = (id: string) => trials.get(id) === null;
    const measured = this.plan.header.auto_repeats === null ? this.idsOf(block) : [...trials.keys()];
    return {
      trialsCompleted,
      trialsRecorded: trials.size,
      isComplete:
        outcome?.status === "completed" &&
        measured.every(isWhole) &&
        this.extrasOf(block).every((name) => state.extras.get(name) === null),
      failure: outcome?.status === "failed" ? outcome.failure : null,
    };
  }

  /**
   * Texts that the reference has to score again: it did once, another configuration is still to be compared with it,
   * and what it left on the disk is gone.
   */
  textsToRescore(isKept: (textId: string) => boolean, retryFailed: boolean): ReadonlySet<string> {
    const reference = this.plan.header.reference_configuration_id;
    const scored = this.at(reference, 0).extras;
    const needed = this.plan.blocks
      .filter(({ role, round, configuration_id }) => {
        return role === "measure" && round === 0 && configuration_id !== reference;
      })
      .flatMap((block) => this.workOf(block, { ...UNFINISHED, retryFailed })?.texts ?? []);
    return new Set(
      needed.map(({ id }) => id).filter((id) => scored.get(`quality ${id}`) === null && !isKept(id)),
    );
  }

  /** What `repeats: auto` says of the trials so far; `as-planned` without it, and while more are wanted. */
  repeatsEndOf(block: PlanBlock): RepeatsEnd {
    const auto = this.plan.header.auto_repeats;
    if (auto === null) return "as-planned";
    const state = this.at(block.configuration_id, block.round);
    const trials = this.trialsOf(block);
    const open = trials.find(({ id }) => !state.trials.has(id));
    const repeatsDone = open === undefined ? auto.most : open.repeat - (trials[0]?.repeat ?? 0);
    return repeatsEndAfter(repeatsDone, state.rates, auto) ?? "as-planned";
  }

  private measureWork(block: PlanBlock, options: WorkOptions): BlockWork | null {
    const state = this.at(block.configuration_id, block.round);
    const mayTryAgain = state.transientAttempts <= this.plan.header.retries;
    const isAgain = (ended: Failure | null | undefined) =>
      ended === undefined ||
      (ended !== null && (options.retryFailed || (mayTryAgain && isTransient(ended.code))));
    const hasEnough = this.repeatsEndOf(block) !== "as-planned";
    const planned = this.trialsOf(block);
    const trials = planned.filter(({ id }) => {
      const ended = state.trials.get(id);
      return isAgain(ended) && !(hasEnough && ended === undefined);
    });
    const again = new Set(trials);
    const kept = planned.filter((trial) => state.trials.has(trial.id) && !again.has(trial));
    const extras = this.extrasOf(block).filter((name) => isAgain(state.extras.get(name)));
    const rescored = this.isFirstOfReference(block) ? options.rescore : UNFINISHED.rescore;
    const retryOf = mayTryAgain ? state.newestTransientFailure : null;
    const work: BlockWork = {
      block,
      attempt: state.attempts + 1,
      trials,
      profile: extras.includes("profile"),
      texts: this.plan.texts.filter(({ id }) => extras.includes(`quality ${id}`) || rescored.has(id)),
      lmEval: extras.includes("lm_eval"),
      trialsOver: kept.length,
      trialFailure:
        kept.map(({ id }) => state.trials.get(id) ?? null).find((ended) => ended !== null) ?? null,
      retryOf,
    };
    const hasLost = trials.some(({ id }) => !state.trials.has(id));
    const isTriedAgain = options.retryFailed || retryOf !== null;
    switch (state.outcome?.status) {
      case undefined:
      case "cancelled":
        return work;
      case "completed":
        // A trial that a completed block lacks was recorded, and damaged since.
        return (isTriedAgain && !isEmpty(work)) || rescored.size > 0 || hasLost ? work : null;
      case "failed":
        return isTriedAgain ? work : null;
      case "skipped":
        return options.retryFailed ? work : null;
    }
  }

  private sentinelWork(block: PlanBlock): BlockWork | null {
    const over = this.sentinels.get(block.round) ?? new Set();
    if (over === "failed") return null;
    const prompts = (this.trialsByBlock.get(keyOf(block.configuration_id, 0)) ?? []).filter(
      ({ repeat }) => repeat === 0,
    );
    const trials = prompts.filter(({ prompt_index }) => !over.has(prompt_index));
    if (trials.length === 0) return null;
    const nothingElse = { profile: false, texts: [], lmEval: false, trialFailure: null, retryOf: null };
    return { block, attempt: 1, trials, trialsOver: 0, ...nothingElse };
  }

  private extrasOf(block: PlanBlock): readonly ExtraName[] {
    if (block.round > 0) return [];
    const { header, texts } = this.plan;
    return [
      ...(header.profile ? (["profile"] as const) : []),
      ...texts.map(({ id }): ExtraName => `quality ${id}`),
      ...(header.quality?.lm_eval ? (["lm_eval"] as const) : []),
    ];
  }

  private isFirstOfReference({ configuration_id, round }: PlanBlock): boolean {
    return round === 0 && configuration_id === this.plan.header.reference_configuration_id;
  }

  private trialsOf({ configuration_id, round }: PlanBlock): readonly PlanTrial[] {
    return this.trialsByBlock.get(keyOf(configuration_id, round)) ?? [];
  }

  private idsOf(block: PlanBlock): readonly string[] {
    return this.trialsOf(block).map(({ id }) => id);
  }

  private at(configurationId: string, round: number): BlockProgress {
    const key = keyOf(configurationId, round);
    const found = this.blocks.get(key) ?? new BlockProgress();
    this.blocks.set(key, found);
    return found;
  }
}

/** Whether nothing is to be measured: only the block's end is to be recorded. */
export function isEmpty({ trials, profile, texts, lmEval }: BlockWork): boolean {
  return trials.length === 0 && texts.length === 0 && !profile && !lmEval;
}

function keyOf(configurationId: string, round: number): string {
  return `${round}/${configurationId}`;
}
