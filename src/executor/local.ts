import { rm } from "node:fs/promises";
import { isImplied } from "../plan/implied.js";
import type { Plan, PlanBlock, PlanConfiguration } from "../plan/plan-types.js";
import type { Failure, RunEndRecord } from "../results/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { WorkerOptions } from "../worker/worker.js";
import type { Executor, RunContext } from "./executor.js";
import { ofConfiguration, record } from "./recorder.js";
import { type BlockOutcome, runBlock } from "./run-block.js";
import { runSentinel } from "./run-sentinel.js";
import { WorkerKeeper } from "./worker-keeper.js";

export interface LocalExecutorOptions {
  readonly worker: Omit<WorkerOptions, "clock" | "log" | "timeouts">;
  /** Folder of the converted embedded model; null when the plan does not use it. */
  readonly builtinModelPath: string | null;
}

/** Runs the plan on this machine: one worker, one block after another, a fresh process for each. */
export class LocalExecutor implements Executor {
  constructor(private readonly options: LocalExecutorOptions) {}

  run(plan: Plan, context: RunContext): Promise<RunEndRecord["status"]> {
    return new LocalRun(this.options, plan, context).run();
  }
}

interface FailedConfiguration {
  readonly configuration: PlanConfiguration;
  readonly failure: Failure;
  readonly round: number;
}

/** One run; holds what a block has to know of those before it. */
class LocalRun {
  private readonly workers: WorkerKeeper;
  private readonly failed: FailedConfiguration[] = [];

  constructor(
    private readonly options: LocalExecutorOptions,
    private readonly plan: Plan,
    private readonly context: RunContext,
  ) {
    this.workers = new WorkerKeeper(options.worker, plan, context);
  }

  async run(): Promise<RunEndRecord["status"]> {
    const { plan, context } = this;
    const startedSec = context.clock.monotonicSec();
    await this.recordStart();
    const outcomes: BlockOutcome[] = [];
    const stopListening = context.stop.listen((state) => {
      context.onEvent({ type: "stopping", ...state });
      if (state.how === "now") this.workers.cancel(state.reason);
    });
    try {
      for (const block of plan.blocks) {
        const outcome = await this.runOne(block, this.configurationOf(block));
        if (block.role === "measure") outcomes.push(outcome);
      }
    } finally {
      stopListening();
      await this.workers.close();
      if (plan.header.quality?.keep_logprobs !== true) {
        await rm(context.logprobsFolder, { recursive: true, force: true });
      }
    }
    const status = overallStatus(outcomes, context);
    const elapsedSec = context.clock.monotonicSec() - startedSec;
    await record(context, "run_end", { status, elapsed_sec: elapsedSec });
    context.onEvent({ type: "run-ended", status, elapsedSec });
    return status;
  }

  private async runOne(block: PlanBlock, configuration: PlanConfiguration): Promise<BlockOutcome> {
    const { plan, context } = this;
    const trials = plan.trials.filter(
      (trial) => trial.configuration_id === block.configuration_id && trial.round === block.round,
    );
    const nothingDone = {
      ...ofConfiguration(configuration),
      round: block.round,
      elapsed_sec: 0,
      trials_completed: 0,
      trials_planned: Math.max(1, trials.length),
      notices: [],
    };
    const none = { trialsCompleted: 0, isComplete: false } as const;
    const notRun = async (status: "cancelled" | "skipped", reason: string): Promise<BlockOutcome> => {
      if (block.role === "measure") {
        await record(context, "configuration", { ...nothingDone, status, reason });
        if (status === "skipped") {
          context.onEvent({ type: "configuration-skipped", configuration, block, reason });
        }
      }
      return none;
    };
    if (context.stop.state !== null) {
      return notRun("cancelled", `${context.stop.state.reason}, before it was started`);
    }
    const reason = this.reasonToSkip(configuration);
    if (reason !== null) return notRun("skipped", reason);
    try {
      const { worker, environment } = await this.workers.usable();
      const job = { plan, block, configuration: this.withModelPath(configuration), trials, environment };
      if (block.role === "sentinel") {
        await runSentinel(job, worker, context);
        return none;
      }
      const outcome = await runBlock(job, worker, context);
      if (outcome.failure !== undefined) this.noteFailure(configuration, outcome.failure, block.round);
      return outcome;
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      if (error.code === "cancelled") return notRun("cancelled", error.message);
      const failure = error.toRecord();
      if (block.role === "sentinel") {
        context.onEvent({ type: "extra-failed", what: "sentinel", failure });
        return none;
      }
      await record(context, "configuration", { ...nothingDone, status: "failed", failure });
      context.onEvent({ type: "configuration-failed", configuration, block, failure });
      return none;
    }
  }

  private noteFailure(configuration: PlanConfiguration, failure: Failure, round: number): void {
    this.failed.push({ configuration, failure, round });
  }

  /** Why a block cannot come to anything: null = try it. */
  private reasonToSkip(configuration: PlanConfiguration): string | null {
    for (const { configuration: failed, failure, round } of this.failed) {
      if (failed.worker.id === configuration.worker.id) {
        return `failed in round ${round + 1}: ${failure.code}`;
      }
      if (!this.plan.header.skip_implied || !failure.code.startsWith("out-of-memory-")) continue;
      if (isImplied(failed, configuration, failure.phase === "load" ? "load" : "run")) {
        return `implied by ${failed.worker.label}: ${failure.code}`;
      }
    }
    return null;
  }

  private configurationOf(block: PlanBlock): PlanConfiguration {
    const found = this.plan.configurations.find(({ worker }) => worker.id === block.configuration_id);
    if (found === undefined) throw new Error(`block ${block.index} names no configuration of the plan`);
    return found;
  }

  private withModelPath(configuration: PlanConfiguration): PlanConfiguration {
    const { model } = configuration.worker;
    if (model.source !== "builtin") return configuration;
    const path = this.options.builtinModelPath;
    return { ...configuration, worker: { ...configuration.worker, model: { ...model, path } } };
  }

  private async recordStart(): Promise<void> {
    const { plan, context } = this;
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
      blocks: [...plan.blocks],
      prompts: [...prompts.values()],
      controller: context.controller,
    });
  }
}

function overallStatus(outcomes: readonly BlockOutcome[], context: RunContext): RunEndRecord["status"] {
  if (outcomes.every(({ isComplete }) => isComplete)) return "completed";
  if (context.stop.state !== null) return "interrupted";
  return outcomes.some(({ trialsCompleted }) => trialsCompleted > 0) ? "partly_failed" : "all_failed";
}
