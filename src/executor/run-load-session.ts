import { describePrompts, listBatchRows } from "../plan/batch-rows.js";
import type { PlanTrial } from "../plan/plan-types.js";
import type { LoadMeasurement, Proof, TrialMeasurement } from "../protocol/measurements.js";
import { findDisturbances } from "../run/disturbance.js";
import { describeModelChanges } from "../run/fingerprints.js";
import { computeIdentity } from "../run/identity.js";
import { UNFINISHED } from "../run/plan-progress.js";
import type { Failure } from "../run/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { LibraryWarning } from "../worker/open-request.js";
import type { Worker } from "../worker/worker.js";
import type { RunContext } from "./executor.js";
import { isLoadDear } from "./load-cost.js";
import type { LoadJob } from "./load-job.js";
import { runPostTrialMeasurements } from "./post-trial-measurements.js";
import { progressHandlers } from "./progress.js";
import { checkPrompts, listOwn } from "./prompt-check.js";
import { describeSessionEnd, ofAttempt, ofConfiguration, ofTrial, record } from "./recorder.js";

/** Failures of one generation that concern the whole model: nothing that it generates can be measured as an answer. */
const ENDS_CONFIGURATION: ReadonlySet<string> = new Set(["logits-not-finite"]);

/**
 * After this many disturbed trials in a row were disturbed again, the machine counts as busy, and measuring again is pointless.
 */
const MOST_FUTILE_REPEATS = 3;

/**
 * Runs one configuration, from load to the end of its trial process:
 *   load → record → prompts checked → warm-ups → record each → trials → record each
 *   → profile, quality → record each → unload → record
 * A trial that fails while its process lives is recorded, and the next one runs; a trial that takes the process with it ends the
 * configuration. Each measurement is recorded before the next one begins, and nothing that an earlier try measured is repeated.
 */
export async function runLoadSession(job: LoadJob, worker: Worker, context: RunContext): Promise<void> {
  return new SessionRun(job, worker, context).run();
}

class SessionRun {
  private readonly startedSec: number;
  private readonly libraryWarnings: LibraryWarning[];
  /** The first failure of a trial that stays failed; null if there is none. */
  private trialFailure: Failure | null;
  /** Trials of all rounds whose prompt the model can read, whether this try measures them or not. */
  private runnable: readonly PlanTrial[] = [];
  /** How many repeats in a row were disturbed again. */
  private futileRepeats = 0;
  /** Trials whose newest try was disturbed, and how often each was measured again. */
  private readonly disturbed = new Map<PlanTrial, number>();

  /** The result of checking each prompt, by its index; null = the model can read it. */
  private checked: ReadonlyMap<number, Failure | null> = new Map();
  private loadedInSec = 0;
  private compiledInSec = 0;
  private lastWarmup: TrialMeasurement | null = null;

  constructor(
    private job: LoadJob,
    private readonly worker: Worker,
    private readonly context: RunContext,
  ) {
    this.startedSec = context.clock.monotonicSec();
    this.trialFailure = job.work.trialFailure;
    this.libraryWarnings = [...job.startWarnings];
  }

  async run(): Promise<void> {
    const { configuration, session, work } = this.job;
    const { trialsOver } = work;
    this.context.onEvent({ type: "configuration-started", configuration, session, trialsOver });
    let arePostTrialMeasurementsComplete = true;
    try {
      await this.load();
      await this.prepare();
      await this.takeLaterRounds();
      await this.trials();
      arePostTrialMeasurementsComplete = await runPostTrialMeasurements(
        { ...this.job, trials: this.runnable },
        this.worker,
        this.context,
        () => this.handlers(),
      );
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      await this.unload();
      return error.code === "cancelled" ? this.endCancelled() : this.endFailed(error.toRecord());
    }
    if (!this.areTrialsLeft && arePostTrialMeasurementsComplete && this.trialFailure === null) {
      this.context.onEvent({ type: "session-measured", session });
    }
    const proofAfter = await this.unload();
    if (this.stopping && (this.areTrialsLeft || !arePostTrialMeasurementsComplete))
      return this.endCancelled();
    const { trialsCompleted } = this.job.progress.summarizeSession(session);
    if (trialsCompleted === 0 && this.trialFailure !== null) return this.endFailed(this.trialFailure);
    return this.endCompleted(proofAfter);
  }

  private get stopping(): boolean {
    return this.context.stop.state !== null;
  }

  private async load(): Promise<void> {
    const { configuration, environment, session } = this.job;
    const askedSec = this.context.clock.monotonicSec();
    const { measurement } = await this.worker.ask(
      "load",
      { configuration: configuration.worker },
      this.handlers(),
    );
    refuseOtherFiles(this.job, measurement);
    this.loadedInSec = this.context.clock.monotonicSec() - askedSec - (measurement.download_sec ?? 0);
    await record(this.context, "load", {
      ...ofAttempt(this.job),
      identity_sha256: computeIdentity(configuration, environment, measurement.fingerprints),
      load: measurement,
      round: session.round,
      hostname: this.context.controller.hostname,
    });
    this.context.onEvent({ type: "configuration-loaded", configuration, load: measurement });
  }

  private get areTrialsLeft(): boolean {
    const { progress, session } = this.job;
    return (progress.findRemainingWork(session, UNFINISHED)?.trials.length ?? 0) > 0;
  }

  /** Checks the prompts and runs the warm-ups, if anything is left that generates: a cold process scores a text just the same. */
  private async prepare(): Promise<void> {
    const { plan, work } = this.job;
    if (work.trials.length === 0 && !work.profile) return;
    const { configuration } = this.job;
    this.checked = await checkPrompts(
      this.job,
      this.worker,
      () => this.handlers(),
      () => this.stopping,
    );
    const { rounds } = plan.header;
    // The plan does not contain the trials of further rounds.
    const further = this.job.trials.filter(({ round }) => round >= rounds);
    const own = [...listOwn(plan.trials, configuration.worker.id), ...further];
    this.runnable = own.filter((trial) => this.checked.get(trial.prompt_index) === null);
    await this.failUnreadable(work.trials);
    for (let index = 0; index < plan.header.warmup && !this.stopping; index++) await this.warmup(index);
  }

  /** Takes over the trials of later rounds if loading again for them would cost more than it is worth. */
  private async takeLaterRounds(): Promise<void> {
    const { plan, session, configuration, trials, work, progress } = this.job;
    if (!plan.header.rounds_share_trials || this.lastWarmup === null || this.stopping) return;
    const trialsEach = listOwn(plan.trials, configuration.worker.id).length;
    const { elapsed_sec, compile_sec } = this.lastWarmup;
    const cost = { loadSec: this.loadedInSec, compileSec: this.compiledInSec, warmups: plan.header.warmup };
    if (!isLoadDear({ ...cost, trialsEach, trialSec: elapsed_sec - (compile_sec ?? 0) })) return;
    const taken = progress.listTrialsOfLaterRounds(session);
    if (taken.length === 0) return;
    const inOrder = (some: readonly PlanTrial[]) => [...some, ...taken].toSorted((a, b) => a.index - b.index);
    this.job = { ...this.job, trials: inOrder(trials), work: { ...work, trials: inOrder(work.trials) } };
    this.context.onEvent({ type: "rounds-joined", configuration, session, trials: taken.length });
    await this.failUnreadable(taken);
  }

  /** Records trials whose prompt cannot be answered as failed, before anything is measured. */
  private async failUnreadable(trials: readonly PlanTrial[]): Promise<void> {
    for (const trial of trials) {
      const failure = this.checked.get(trial.prompt_index) ?? null;
      if (failure !== null) await this.failTrial(trial, failure);
    }
  }

  private async warmup(index: number): Promise<void> {
    const { configuration } = this.job;
    const [first] = this.runnable;
    if (first === undefined) return;
    this.context.onEvent({ type: "warmup-started", configuration, index });
    try {
      const trialId = `${configuration.worker.id}/warmup${index + 1}`;
      const measurement = await this.generate("warmup", trialId, first, 0);
      this.lastWarmup = measurement;
      this.compiledInSec += measurement.compile_sec ?? 0;
      await record(this.context, "warmup", { ...ofAttempt(this.job), index, measurement });
      this.context.onEvent({ type: "warmup-completed", configuration, measurement });
    } catch (error) {
      if (!(error instanceof WorkerFailure) || !error.details.trialProcessAlive) throw error;
      if (ENDS_CONFIGURATION.has(error.code)) throw error;
      // The same prompt fails again as a trial, and the failure is recorded there.
      this.context.log.write("warning", "warmup-failed", {
        ...ofConfiguration(configuration),
        ...error.toRecord(),
      });
    }
  }

  /** Measures the remaining trials, repeat by repeat; with `repeats: auto` only until the rate is known well enough. */
  private async trials(): Promise<void> {
    const { work, progress, session } = this.job;
    const runnable = new Set(this.runnable);
    const trials = work.trials.filter((trial) => runnable.has(trial));
    for (const [index, trial] of trials.entries()) {
      if (this.stopping) return;
      await this.trial(trial);
      if (trials[index + 1]?.repeat === trial.repeat) continue;
      if (progress.findRepeatsEnd(session) === "as-planned") continue;
      // The trials that were disturbed count once they are repeated, and may show that the rate is not known well enough yet.
      await this.measureDisturbedAgain();
      if (progress.findRepeatsEnd(session) !== "as-planned") return;
    }
    await this.measureDisturbedAgain();
  }

  /**
   * Measures a trial, and once more at once if it was disturbed. Further repeats wait until the other trials are done, when the
   * disturbance may be over.
   */
  private async trial(trial: PlanTrial): Promise<void> {
    const { onEvent } = this.context;
    onEvent({ type: "trial-started", trial });
    const first = await this.tryTrial(trial, false);
    if (first === null) return;
    const disturbances = await this.recordTrial(trial, first);
    const isAgain = this.mayMeasureAgain(trial);
    if (isAgain) onEvent({ type: "trial-disturbed", trial, disturbances });
    const measurement = (isAgain ? await this.measureAgain(trial) : null) ?? first;
    onEvent({ type: "trial-completed", trial, measurement });
  }

  /**
   * Measures again what was disturbed both times, as often as the plan allows and as long as the machine does not count as busy.
   */
  private async measureDisturbedAgain(): Promise<void> {
    this.futileRepeats = 0;
    const { configuration } = this.job;
    for (;;) {
      const trials = [...this.disturbed.keys()].filter((trial) => this.mayMeasureAgain(trial));
      if (trials.length === 0) return;
      this.context.onEvent({ type: "disturbed-again", configuration, trials: trials.length });
      for (const trial of trials) if (this.mayMeasureAgain(trial)) await this.measureAgain(trial);
    }
  }

  /** Null if it failed; the earlier measurement then stands. */
  private async measureAgain(trial: PlanTrial): Promise<TrialMeasurement | null> {
    const times = (this.disturbed.get(trial) ?? 0) + 1;
    const measurement = await this.tryTrial(trial, true);
    this.disturbed.delete(trial);
    if (measurement === null) return null;
    const isDisturbed = (await this.recordTrial(trial, measurement)).length > 0;
    this.futileRepeats = isDisturbed ? this.futileRepeats + 1 : 0;
    if (isDisturbed) this.disturbed.set(trial, times);
    return measurement;
  }

  /** Records one try of a trial: every try is recorded, and the newest counts. Returns what disturbed it. */
  private async recordTrial(trial: PlanTrial, measurement: TrialMeasurement): Promise<readonly string[]> {
    const disturbances = findDisturbances(measurement);
    if (disturbances.length > 0) this.disturbed.set(trial, 0);
    await record(this.context, "trial", {
      ...ofTrial(this.job, trial),
      status: "completed",
      measurement,
      batch_prompt_ids: this.listPromptIds(trial),
      disturbed_by: disturbances,
    });
    return disturbances;
  }

  /** Null for a batch of one, whose prompt is the trial's own. */
  private listPromptIds(trial: PlanTrial): string[] | null {
    const rows = listBatchRows(trial, this.runnable, this.job.configuration.batch_size);
    return rows.length === 1 ? null : rows.map(({ prompt_id }) => prompt_id);
  }

  private mayMeasureAgain(trial: PlanTrial): boolean {
    const timesAgain = this.disturbed.get(trial);
    const isAllowed = timesAgain !== undefined && timesAgain < this.job.plan.header.disturbed_retries;
    return isAllowed && this.futileRepeats < MOST_FUTILE_REPEATS && !this.stopping;
  }

  /**
   * Null if it failed and its process lives. If the trial `isMeasured` already, the failure is not recorded: it does not undo the
   * measurement.
   */
  private async tryTrial(trial: PlanTrial, isMeasured: boolean): Promise<TrialMeasurement | null> {
    try {
      return await this.generate("measure", trial.id, trial, trial.repeat);
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      // A cancelled trial was not measured, and did not fail either.
      if (error.code === "cancelled") throw error;
      if (!isMeasured) await this.failTrial(trial, error.toRecord());
      if (!error.details.trialProcessAlive || ENDS_CONFIGURATION.has(error.code)) throw error;
      return null;
    }
  }

  private async failTrial(trial: PlanTrial, failure: Failure): Promise<void> {
    this.trialFailure ??= failure;
    await record(this.context, "trial", { ...ofTrial(this.job, trial), status: "failed", failure });
    this.context.onEvent({ type: "trial-failed", trial, failure });
  }

  private async generate(phase: "warmup" | "measure", trialId: string, trial: PlanTrial, repeat: number) {
    const { generation, batch_size } = this.job.configuration;
    const prompts = describePrompts(listBatchRows(trial, this.runnable, batch_size));
    const body = { trial_id: trialId, phase, ...prompts, repeat, generation };
    return (await this.worker.ask("generate", body, this.handlers())).measurement;
  }

  /** Best effort: after a failure there may be nothing left to unload. Returns the proof read after use. */
  private async unload(): Promise<Proof | null> {
    if (!this.worker.isUsable) return null;
    try {
      return (await this.worker.ask("unload", {}, this.handlers())).proof_after;
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      this.context.log.write("warning", "unload-failed", { ...error.toRecord() });
      return null;
    }
  }

  private handlers() {
    return progressHandlers(this.context, (libraryWarning) => void this.libraryWarnings.push(libraryWarning));
  }

  private async endCompleted(proofAfter: Proof | null): Promise<void> {
    const { configuration, session, progress } = this.job;
    await record(this.context, "configuration", {
      ...this.tail(),
      status: "completed",
      proof_after: proofAfter,
      repeats_end: progress.findRepeatsEnd(session),
    });
    const elapsedSec = this.elapsedSec;
    this.context.onEvent({ type: "configuration-completed", configuration, session, elapsedSec });
  }

  private async endFailed(failure: Failure): Promise<void> {
    await record(this.context, "configuration", { ...this.tail(), status: "failed", failure });
    const { configuration, session } = this.job;
    this.context.onEvent({ type: "configuration-failed", configuration, session, failure });
  }

  private async endCancelled(): Promise<void> {
    const reason = this.context.stop.state?.reason ?? "cancelled";
    await record(this.context, "configuration", { ...this.tail(), status: "cancelled", reason });
  }

  private get elapsedSec(): number {
    return this.context.clock.monotonicSec() - this.startedSec;
  }

  private tail() {
    return {
      ...describeSessionEnd(this.job),
      elapsed_sec: this.elapsedSec,
      notices: this.libraryWarnings,
    };
  }
}

/** Throws WorkerFailure `model-changed`. */
function refuseOtherFiles({ fingerprints: before }: LoadJob, { fingerprints: now }: LoadMeasurement): void {
  const changes = describeModelChanges(before, now);
  if (changes.length === 0) return;
  throw new WorkerFailure(
    "model-changed",
    `The model's files have changed since this run measured them: ${changes.join("; ")}.`,
    { phase: "load", trialProcessAlive: true },
  );
}
