import { sha256OfValue } from "../base/canonical.js";
import type { PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { Proof, TrialMeasurement, WorkerEnvironment } from "../protocol/measurements.js";
import type { Failure, RepeatsEnd } from "../results/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { Notice } from "../worker/open-request.js";
import type { Worker } from "../worker/worker.js";
import type { BlockJob } from "./block-job.js";
import type { RunContext } from "./executor.js";
import { runExtras } from "./extras.js";
import { type RateSample, repeatsEndAfter } from "./precision.js";
import { progressHandlers } from "./progress.js";
import { ofConfiguration, ofTrial, record } from "./recorder.js";

export interface BlockOutcome {
  readonly trialsCompleted: number;
  /** Everything that was asked for was measured. */
  readonly isComplete: boolean;
  /** Why the configuration failed as a whole. */
  readonly failure?: Failure;
}

/**
 * One configuration, from load to the end of its trial process:
 *   load → record → prompts checked → warm-ups → record each → trials → record each → profile, quality → record each → unload → record
 * A trial that fails while its process lives is recorded and the next one runs; a trial that takes
 * the process with it ends the configuration. Nothing that was measured waits for what comes after it.
 */
export async function runBlock(job: BlockJob, worker: Worker, context: RunContext): Promise<BlockOutcome> {
  return new BlockRun(job, worker, context).run();
}

class BlockRun {
  private readonly startedSec: number;
  private readonly notices: Notice[] = [];
  private readonly rates: RateSample[] = [];
  private completed = 0;
  /** Trials that were to be measured; fewer than planned where `repeats: auto` had enough. */
  private wanted: number;
  private repeatsEnd: RepeatsEnd = "as-planned";
  private firstTrialFailure: Failure | null = null;
  /** Trials whose prompt the model can read. */
  private runnable: readonly PlanTrial[] = [];

  constructor(
    private readonly job: BlockJob,
    private readonly worker: Worker,
    private readonly context: RunContext,
  ) {
    this.startedSec = context.clock.monotonicSec();
    this.wanted = job.trials.length;
  }

  async run(): Promise<BlockOutcome> {
    const { configuration, block, plan } = this.job;
    this.context.onEvent({ type: "configuration-started", configuration, block });
    let areExtrasComplete = true;
    try {
      await this.load();
      await this.checkPrompts();
      for (let index = 0; index < plan.header.warmup && !this.stopping; index++) await this.warmup(index);
      await this.trials();
      areExtrasComplete = await runExtras(
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
    const proofAfter = await this.unload();
    if (this.stopping && (this.completed < this.wanted || !areExtrasComplete)) return this.endCancelled();
    if (this.completed === 0 && this.firstTrialFailure !== null)
      return this.endFailed(this.firstTrialFailure);
    return this.endCompleted(proofAfter, areExtrasComplete);
  }

  private get stopping(): boolean {
    return this.context.stop.state !== null;
  }

  private async load(): Promise<void> {
    const { configuration, environment, block } = this.job;
    const { measurement } = await this.worker.load({ configuration: configuration.worker }, this.handlers());
    await record(this.context, "load", {
      ...ofConfiguration(configuration),
      identity_sha256: identityOf(configuration, environment),
      load: measurement,
      round: block.round,
    });
    this.context.onEvent({ type: "configuration-loaded", configuration, load: measurement });
  }

  /** What cannot be answered is known, and recorded, before anything is measured. */
  private async checkPrompts(): Promise<void> {
    const { configuration, trials } = this.job;
    const { generation } = configuration;
    const checked = new Map<number, Failure | null>();
    for (const trial of trials) {
      if (this.stopping) return;
      const { prompt, prompt_index } = trial;
      if (!checked.has(prompt_index)) {
        const failure = await this.worker.checkPrompt({ prompt, generation }, this.handlers()).then(
          () => null,
          (error: unknown) => failureOfPrompt(error, trial.prompt_id),
        );
        checked.set(prompt_index, failure);
      }
      const failure = checked.get(prompt_index) ?? null;
      if (failure !== null) await this.failTrial(trial, failure);
    }
    this.runnable = trials.filter((trial) => checked.get(trial.prompt_index) === null);
  }

  private async warmup(index: number): Promise<void> {
    const { configuration } = this.job;
    const prompt = this.runnable[0]?.prompt;
    if (prompt === undefined) return;
    this.context.onEvent({ type: "warmup-started", configuration, index });
    try {
      const measurement = await this.generate(
        "warmup",
        `${configuration.worker.id}/warmup${index + 1}`,
        prompt,
        0,
      );
      await record(this.context, "warmup", { ...ofConfiguration(configuration), index, measurement });
      this.context.onEvent({ type: "warmup-completed", configuration, measurement });
    } catch (error) {
      if (!(error instanceof WorkerFailure) || !error.details.trialProcessAlive) throw error;
      // The same prompt fails again as a trial, and is recorded there.
      this.context.log.write("warning", "warmup-failed", {
        ...ofConfiguration(configuration),
        ...error.toRecord(),
      });
    }
  }

  /** All trials, repeat by repeat; with `repeats: auto` until the rate is known well enough. */
  private async trials(): Promise<void> {
    const { trials, plan } = this.job;
    const auto = plan.header.auto_repeats;
    const first = trials[0]?.repeat ?? 0;
    const refused = trials.length - this.runnable.length;
    for (const [index, trial] of this.runnable.entries()) {
      if (this.stopping) return;
      await this.trial(trial);
      if (auto === null || this.runnable[index + 1]?.repeat === trial.repeat) continue;
      const end = repeatsEndAfter(trial.repeat - first + 1, this.rates, auto);
      if (end === null) continue;
      this.repeatsEnd = end;
      this.wanted = index + 1 + refused;
      return;
    }
  }

  private async trial(trial: PlanTrial): Promise<void> {
    const { configuration } = this.job;
    this.context.onEvent({ type: "trial-started", trial });
    let measurement: TrialMeasurement;
    try {
      measurement = await this.generate("measure", trial.id, trial.prompt, trial.repeat);
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      // A cancelled trial was not measured, and did not fail either.
      if (error.code === "cancelled") throw error;
      await this.failTrial(trial, error.toRecord());
      if (!error.details.trialProcessAlive) throw error;
      return;
    }
    await record(this.context, "trial", {
      ...ofTrial(configuration, trial),
      status: "completed",
      measurement,
    });
    this.completed += 1;
    const rate = measurement.decode_tokens_per_sec ?? 1 / measurement.elapsed_sec;
    this.rates.push({ promptIndex: trial.prompt_index, tokensPerSec: rate });
    this.context.onEvent({ type: "trial-completed", trial, measurement });
  }

  private async failTrial(trial: PlanTrial, failure: Failure): Promise<void> {
    const { configuration } = this.job;
    this.firstTrialFailure ??= failure;
    await record(this.context, "trial", { ...ofTrial(configuration, trial), status: "failed", failure });
    this.context.onEvent({ type: "trial-failed", trial, failure });
  }

  private async generate(phase: "warmup" | "measure", trialId: string, prompt: string, repeat: number) {
    const { generation } = this.job.configuration;
    const body = { trial_id: trialId, phase, prompt, repeat, generation };
    return (await this.worker.generate(body, this.handlers())).measurement;
  }

  /** Best effort: after a failure there may be nothing left to unload. Returns the proof read after use. */
  private async unload(): Promise<Proof | null> {
    if (!this.worker.isUsable) return null;
    try {
      return (await this.worker.unload(this.handlers())).proof_after;
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      this.context.log.write("warning", "unload-failed", { ...error.toRecord() });
      return null;
    }
  }

  private handlers() {
    return progressHandlers(this.context, (notice) => void this.notices.push(notice));
  }

  private async endCompleted(proofAfter: Proof | null, isComplete: boolean): Promise<BlockOutcome> {
    await record(this.context, "configuration", {
      ...this.tail(),
      status: "completed",
      proof_after: proofAfter,
      repeats_end: this.repeatsEnd,
    });
    const { configuration, block } = this.job;
    const elapsedSec = this.elapsedSec;
    this.context.onEvent({ type: "configuration-completed", configuration, block, elapsedSec });
    return { trialsCompleted: this.completed, isComplete: isComplete && this.completed === this.wanted };
  }

  private async endFailed(failure: Failure): Promise<BlockOutcome> {
    await record(this.context, "configuration", { ...this.tail(), status: "failed", failure });
    const { configuration, block } = this.job;
    this.context.onEvent({ type: "configuration-failed", configuration, block, failure });
    return { trialsCompleted: this.completed, isComplete: false, failure };
  }

  private async endCancelled(): Promise<BlockOutcome> {
    const reason = this.context.stop.state?.reason ?? "cancelled";
    await record(this.context, "configuration", { ...this.tail(), status: "cancelled", reason });
    return { trialsCompleted: this.completed, isComplete: false };
  }

  private get elapsedSec(): number {
    return this.context.clock.monotonicSec() - this.startedSec;
  }

  private tail() {
    return {
      ...ofConfiguration(this.job.configuration),
      round: this.job.block.round,
      elapsed_sec: this.elapsedSec,
      trials_completed: this.completed,
      trials_planned: this.wanted,
      notices: this.notices,
    };
  }
}

/** The failure of one prompt, which it names. Throws what ends more than this prompt. */
function failureOfPrompt(error: unknown, promptId: string): Failure {
  if (!(error instanceof WorkerFailure) || !error.details.trialProcessAlive) throw error;
  const failure = error.toRecord();
  return { ...failure, message: `Prompt ${promptId}: ${failure.message}` };
}

/** Identity over effective inputs: what the plan knows, and the software that really ran it. */
function identityOf(configuration: PlanConfiguration, environment: WorkerEnvironment): string {
  return sha256OfValue({
    inputs_sha256: configuration.inputs_sha256,
    packages: environment.packages,
    python_version: environment.python_version,
    worker_code_sha256: environment.worker_code_sha256,
  });
}
