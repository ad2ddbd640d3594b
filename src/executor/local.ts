import type { Plan, PlanConfiguration } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import type { Failure, RunEndRecord } from "../results/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import { Worker, type WorkerOptions } from "../worker/worker.js";
import type { Executor, RunContext } from "./executor.js";
import { ofConfiguration, record } from "./recorder.js";
import { type ConfigurationOutcome, runConfiguration } from "./run-configuration.js";

export interface LocalExecutorOptions {
  readonly worker: Omit<WorkerOptions, "clock" | "log" | "timeouts">;
  /** Folder of the converted embedded model; null when the plan does not use it. */
  readonly builtinModelPath: string | null;
}

/** Runs the plan on this machine: one worker, one configuration after another, a fresh process for each. */
export class LocalExecutor implements Executor {
  constructor(private readonly options: LocalExecutorOptions) {}

  async run(plan: Plan, context: RunContext): Promise<RunEndRecord["status"]> {
    const startedSec = context.clock.monotonicSec();
    await recordStart(plan, context);
    const workers = new WorkerKeeper(this.options, plan, context);
    const outcomes: ConfigurationOutcome[] = [];
    const stopListening = context.stop.listen((state) => {
      context.onEvent({ type: "stopping", ...state });
      if (state.how === "now") workers.cancel(state.reason);
    });
    try {
      for (const configuration of plan.configurations) {
        outcomes.push(await this.runOne(configuration, plan, workers, context));
      }
    } finally {
      stopListening();
      await workers.close();
    }
    const status = overallStatus(outcomes, plan, context);
    const elapsedSec = context.clock.monotonicSec() - startedSec;
    await record(context, "run_end", { status, elapsed_sec: elapsedSec });
    context.onEvent({ type: "run-ended", status, elapsedSec });
    return status;
  }

  private async runOne(
    configuration: PlanConfiguration,
    plan: Plan,
    workers: WorkerKeeper,
    context: RunContext,
  ): Promise<ConfigurationOutcome> {
    const trials = plan.trials.filter((trial) => trial.configuration_id === configuration.worker.id);
    const nothingDone = {
      ...ofConfiguration(configuration),
      elapsed_sec: 0,
      trials_completed: 0,
      trials_planned: trials.length,
      notices: [],
    };
    const neverStarted = async (failure: Failure): Promise<ConfigurationOutcome> => {
      await record(context, "configuration", { ...nothingDone, status: "failed", failure });
      context.onEvent({ type: "configuration-failed", configuration, failure });
      return { status: "failed", trialsCompleted: 0 };
    };
    const cancelled = async (reason: string): Promise<ConfigurationOutcome> => {
      await record(context, "configuration", { ...nothingDone, status: "cancelled", reason });
      return { status: "cancelled", trialsCompleted: 0 };
    };
    if (context.stop.state !== null) return cancelled(`${context.stop.state.reason}, before it was started`);
    try {
      const { worker, environment } = await workers.usable();
      const job = {
        configuration: this.withModelPath(configuration),
        trials,
        warmup: plan.header.warmup,
        environment,
      };
      return await runConfiguration(job, worker, context);
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      return error.code === "cancelled" ? cancelled(error.message) : neverStarted(error.toRecord());
    }
  }

  private withModelPath(configuration: PlanConfiguration): PlanConfiguration {
    const { model } = configuration.worker;
    if (model.source !== "builtin") return configuration;
    const path = this.options.builtinModelPath;
    return { ...configuration, worker: { ...configuration.worker, model: { ...model, path } } };
  }
}

interface ReadyWorker {
  readonly worker: Worker;
  readonly environment: WorkerEnvironment;
}

/** Keeps one started worker; makes a new one, in the open, when the last one ended. */
class WorkerKeeper {
  private ready: ReadyWorker | null = null;
  private current: Worker | null = null;

  constructor(
    private readonly options: LocalExecutorOptions,
    private readonly plan: Plan,
    private readonly context: RunContext,
  ) {}

  /** Throws WorkerFailure when no worker can be started. */
  async usable(): Promise<ReadyWorker> {
    if (this.ready?.worker.isUsable) return this.ready;
    await this.close();
    const { clock, log, onEvent } = this.context;
    const startedSec = clock.monotonicSec();
    onEvent({ type: "worker-starting" });
    const worker = await Worker.open({
      ...this.options.worker,
      timeouts: this.plan.header.timeouts,
      clock,
      log,
    });
    this.current = worker;
    try {
      const { environment } = await worker.start({
        onProgress: ({ phase, detail }) =>
          onEvent({ type: "progress", phase, detail, outputTokens: null, tokensPerSec: null }),
      });
      await record(this.context, "environment", { environment });
      this.ready = { worker, environment };
      onEvent({ type: "worker-ready", environment, elapsedSec: clock.monotonicSec() - startedSec });
      return this.ready;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  cancel(reason: string): void {
    this.current?.cancel(reason);
  }

  async close(): Promise<void> {
    const worker = this.current;
    this.current = null;
    this.ready = null;
    await worker?.close();
  }
}

async function recordStart(plan: Plan, context: RunContext): Promise<void> {
  const prompts = new Map(
    plan.trials.map(({ prompt_index, prompt_id, prompt }) => [
      prompt_index,
      { prompt_index, prompt_id, prompt },
    ]),
  );
  await record(context, "run", {
    falcon_exp_version: context.falconExpVersion,
    plan: plan.header,
    configurations: [...plan.configurations],
    prompts: [...prompts.values()],
    controller: context.controller,
  });
}

function overallStatus(
  outcomes: readonly ConfigurationOutcome[],
  plan: Plan,
  context: RunContext,
): RunEndRecord["status"] {
  const completed = outcomes.reduce((sum, outcome) => sum + outcome.trialsCompleted, 0);
  if (completed === plan.trials.length) return "completed";
  if (context.stop.state !== null) return "interrupted";
  return completed === 0 ? "all_failed" : "partly_failed";
}
