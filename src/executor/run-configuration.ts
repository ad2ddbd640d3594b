import { sha256OfValue } from "../base/canonical.js";
import type { PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { Proof, TrialMeasurement, WorkerEnvironment } from "../protocol/measurements.js";
import type { Failure } from "../results/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { Notice, Progress } from "../worker/open-request.js";
import type { Worker } from "../worker/worker.js";
import type { RunContext } from "./executor.js";
import { ofConfiguration, ofTrial, record } from "./recorder.js";

export interface ConfigurationJob {
  readonly configuration: PlanConfiguration;
  readonly trials: readonly PlanTrial[];
  readonly warmup: number;
  readonly environment: WorkerEnvironment;
}

export interface ConfigurationOutcome {
  readonly status: "completed" | "failed" | "cancelled";
  readonly trialsCompleted: number;
}

/**
 * One configuration, from load to the end of its trial process:
 *   load → record → warm-ups → record each → trials → record each → unload → record
 * A trial that fails while its process lives is recorded and the next one runs; a trial that takes
 * the process with it ends the configuration. Nothing that was measured waits for what comes after it.
 */
export async function runConfiguration(
  job: ConfigurationJob,
  worker: Worker,
  context: RunContext,
): Promise<ConfigurationOutcome> {
  return new ConfigurationRun(job, worker, context).run();
}

class ConfigurationRun {
  private readonly startedSec: number;
  private readonly notices: Notice[] = [];
  private completed = 0;
  private firstTrialFailure: Failure | null = null;

  constructor(
    private readonly job: ConfigurationJob,
    private readonly worker: Worker,
    private readonly context: RunContext,
  ) {
    this.startedSec = context.clock.monotonicSec();
  }

  async run(): Promise<ConfigurationOutcome> {
    const { configuration } = this.job;
    this.context.onEvent({ type: "configuration-started", configuration });
    try {
      await this.load();
      for (let index = 0; index < this.job.warmup && !this.stopping; index++) await this.warmup(index);
      for (const trial of this.job.trials) {
        if (this.stopping) break;
        await this.trial(trial);
      }
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      await this.unload();
      return error.code === "cancelled" ? this.endCancelled() : this.endFailed(error.toRecord());
    }
    const proofAfter = await this.unload();
    if (this.stopping && this.completed < this.job.trials.length) return this.endCancelled();
    if (this.completed === 0 && this.firstTrialFailure !== null)
      return this.endFailed(this.firstTrialFailure);
    return this.endCompleted(proofAfter);
  }

  private get stopping(): boolean {
    return this.context.stop.state !== null;
  }

  private async load(): Promise<void> {
    const { configuration, environment } = this.job;
    const { measurement } = await this.worker.load({ configuration: configuration.worker }, this.handlers());
    await record(this.context, "load", {
      ...ofConfiguration(configuration),
      identity_sha256: identityOf(configuration, environment),
      load: measurement,
    });
    this.context.onEvent({ type: "configuration-loaded", configuration, load: measurement });
  }

  private async warmup(index: number): Promise<void> {
    const { configuration, trials } = this.job;
    const prompt = trials[0]?.prompt;
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
      const failure = error.toRecord();
      this.firstTrialFailure ??= failure;
      await record(this.context, "trial", { ...ofTrial(configuration, trial), status: "failed", failure });
      this.context.onEvent({ type: "trial-failed", trial, failure });
      if (!error.details.trialProcessAlive) throw error;
      return;
    }
    await record(this.context, "trial", {
      ...ofTrial(configuration, trial),
      status: "completed",
      measurement,
    });
    this.completed += 1;
    this.context.onEvent({ type: "trial-completed", trial, measurement });
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

  /** Progress becomes events; the rate is counted from the first token, so that prefill does not dilute it. */
  private handlers() {
    let first: { readonly tokens: number; readonly atSec: number } | null = null;
    return {
      onNotice: (notice: Notice) => void this.notices.push(notice),
      onProgress: (progress: Progress) => {
        const now = this.context.clock.monotonicSec();
        const tokens = progress.outputTokens;
        let tokensPerSec: number | null = null;
        if (tokens !== null && tokens > 0) {
          if (first === null) first = { tokens, atSec: now };
          else if (now > first.atSec) tokensPerSec = (tokens - first.tokens) / (now - first.atSec);
        }
        const { phase, detail } = progress;
        this.context.onEvent({ type: "progress", phase, detail, outputTokens: tokens, tokensPerSec });
      },
    };
  }

  private async endCompleted(proofAfter: Proof | null): Promise<ConfigurationOutcome> {
    await record(this.context, "configuration", {
      ...this.tail(),
      status: "completed",
      proof_after: proofAfter,
    });
    const { configuration } = this.job;
    this.context.onEvent({ type: "configuration-completed", configuration, elapsedSec: this.elapsedSec });
    return { status: "completed", trialsCompleted: this.completed };
  }

  private async endFailed(failure: Failure): Promise<ConfigurationOutcome> {
    await record(this.context, "configuration", { ...this.tail(), status: "failed", failure });
    this.context.onEvent({ type: "configuration-failed", configuration: this.job.configuration, failure });
    return { status: "failed", trialsCompleted: this.completed };
  }

  private async endCancelled(): Promise<ConfigurationOutcome> {
    const reason = this.context.stop.state?.reason ?? "cancelled";
    await record(this.context, "configuration", { ...this.tail(), status: "cancelled", reason });
    return { status: "cancelled", trialsCompleted: this.completed };
  }

  private get elapsedSec(): number {
    return this.context.clock.monotonicSec() - this.startedSec;
  }

  private tail() {
    return {
      ...ofConfiguration(this.job.configuration),
      elapsed_sec: this.elapsedSec,
      trials_completed: this.completed,
      trials_planned: this.job.trials.length,
      notices: this.notices,
    };
  }
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
