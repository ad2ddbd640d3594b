import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isImplied } from "../plan/implied.js";
import type { Plan, PlanBlock, PlanConfiguration } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import type { EarlierRecords } from "../run/newest-first.js";
import { type BlockWork, isEmpty, PlanProgress, UNFINISHED, type WorkOptions } from "../run/plan-progress.js";
import type { Failure, RunEndRecord, RunFileRecord } from "../run/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { WorkerOptions } from "../worker/worker.js";
import type { EarlierWork, Executor, RunContext, RunOptions } from "./executor.js";
import { acceptedChanges, recordResume, recordRun } from "./record-start.js";
import { record } from "./recorder.js";
import { reuseFinished } from "./reuse.js";
import { runBlock } from "./run-block.js";
import { runSentinel } from "./run-sentinel.js";
import { endMeasured, endUnserved, endWithout } from "./unloaded.js";
import { WorkerKeeper } from "./worker-keeper.js";

export interface LocalExecutorOptions {
  readonly worker: Omit<WorkerOptions, "clock" | "log" | "timeouts" | "abort">;
  /** Folder of the converted embedded model; null when the plan does not use it. */
  readonly builtinModelPath: string | null;
}

/** Runs the plan on this machine: one worker, one block after another, a fresh process for each. */
export class LocalExecutor implements Executor {
  constructor(private readonly options: LocalExecutorOptions) {}

  run(plan: Plan, context: RunContext, options: RunOptions = {}): Promise<RunEndRecord["status"]> {
    return new LocalRun(this.options, plan, context, options).run();
  }
}

interface FailedConfiguration {
  readonly configuration: PlanConfiguration;
  readonly failure: Failure;
  readonly round: number;
}

/**
 * One run; holds what a block has to know of those before it. What is to be done is always what the records so far leave
 * to be done, whether they are of this process or of an earlier one.
 */
class LocalRun {
  private readonly workers: WorkerKeeper;
  private readonly progress: PlanProgress;
  private readonly context: RunContext;
  private readonly failed: FailedConfiguration[] = [];
  private hasRecordedStart = false;
  private hasSeenEnvironment = false;
  private readonly earlier: EarlierWork | null;
  private wanted: WorkOptions;

  constructor(
    private readonly options: LocalExecutorOptions,
    private readonly plan: Plan,
    context: RunContext,
    private readonly asked: RunOptions,
  ) {
    const earlier = asked.earlier ?? null;
    this.earlier = earlier;
    this.progress = earlier?.progress ?? new PlanProgress(plan);
    const append = async (one: RunFileRecord) => {
      await context.records.append(one);
      this.progress.note(one);
    };
    this.context = { ...context, records: { append } };
    this.workers = new WorkerKeeper(options.worker, plan, this.context, (told) =>
      this.recordEnvironment(told),
    );
    this.wanted = this.whatIsWanted();
  }

  async run(): Promise<RunEndRecord["status"]> {
    const { plan, context, progress } = this;
    const startedSec = context.clock.monotonicSec();
    const stopListening = context.stop.listen((state) => {
      context.onEvent({ type: "stopping", ...state });
      this.workers.stop(state);
    });
    try {
      if (this.earlier !== null) await this.startAgain();
      await this.recordStart([]);
      if (this.asked.reuse !== undefined) await this.reuse(this.asked.reuse);
      const textIds = [...this.wanted.rescore];
      if (textIds.length > 0) context.onEvent({ type: "rescoring", textIds });
      for (const block of plan.blocks) await this.runOne(block);
    } finally {
      stopListening();
      await this.workers.close();
      if (plan.header.quality?.keep_logprobs !== true) {
        await rm(context.logprobsFolder, { recursive: true, force: true });
      }
    }
    const measured = plan.blocks.filter(({ role }) => role === "measure");
    const status = overallStatus(
      measured.map((block) => progress.resultOf(block)),
      context,
    );
    const elapsedSec = context.clock.monotonicSec() - startedSec;
    await record(context, "run_end", { status, elapsed_sec: elapsedSec });
    context.onEvent({ type: "run-ended", status, elapsedSec });
    return status;
  }

  private async runOne(block: PlanBlock): Promise<void> {
    const configuration = this.configurationOf(block);
    const { context, progress } = this;
    let work = progress.workOf(block, this.wanted);
    if (work === null) context.onEvent({ type: "configuration-kept", block });
    while (work !== null) {
      await this.attempt(configuration, work);
      work = context.stop.state === null ? progress.workOf(block, UNFINISHED) : null;
      if (work?.retryOf == null) break;
      const { attempt, retryOf: failure } = work;
      context.log.write("warning", "configuration-retried", { block, attempt, failure });
      context.onEvent({ type: "configuration-retried", configuration, block, failure, attempt });
    }
    const failure = block.role === "measure" ? progress.resultOf(block).failure : null;
    if (failure !== null) this.failed.push({ configuration, failure, round: block.round });
  }

  /** Never throws for what the worker does: that is recorded. */
  private async attempt(configuration: PlanConfiguration, work: BlockWork): Promise<void> {
    const { context, plan, progress } = this;
    const { block } = work;
    const unloaded = { configuration, work, trials: this.trialsOf(block), progress };
    const { state } = context.stop;
    if (state !== null) {
      return endWithout(unloaded, "cancelled", `${state.reason}, before it was started`, context);
    }
    const reason = this.reasonToSkip(configuration, block);
    if (reason !== null) return endWithout(unloaded, "skipped", reason, context);
    if (isEmpty(work)) return endMeasured(unloaded, context);
    try {
      const { worker, environment } = await this.workers.usable();
      const job = { ...unloaded, plan, block, configuration: this.withModelPath(configuration), environment };
      await (block.role === "sentinel" ? runSentinel : runBlock)(job, worker, context);
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      if (error.code === "cancelled") return endWithout(unloaded, "cancelled", error.message, context);
      await endUnserved(unloaded, error.toRecord(), context);
    }
  }

  /** Why a block cannot come to anything: null = try it. */
  private reasonToSkip(configuration: PlanConfiguration, block: PlanBlock): string | null {
    for (const { configuration: failed, failure, round } of this.failed) {
      if (failed.worker.id === configuration.worker.id) {
        if (round === block.round && block.role === "measure") continue;
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

  private trialsOf(block: PlanBlock) {
    return this.plan.trials.filter(
      (trial) => trial.configuration_id === block.configuration_id && trial.round === block.round,
    );
  }

  private withModelPath(configuration: PlanConfiguration): PlanConfiguration {
    const { model } = configuration.worker;
    if (model.source !== "builtin") return configuration;
    const path = this.options.builtinModelPath;
    return { ...configuration, worker: { ...configuration.worker, model: { ...model, path } } };
  }

  /** Nothing is written before it is known that this environment may go on with what another has measured. */
  private async startAgain(): Promise<void> {
    if (this.progress.left(this.wanted).every(isEmpty)) return;
    await this.workers.usable().catch((error: unknown) => {
      // The block that needs the worker tries again, and records the failure.
      if (!(error instanceof WorkerFailure)) throw error;
    });
  }

  /** Without a worker nothing is known to be equal; the first block then records why there is none. */
  private async reuse(records: EarlierRecords): Promise<void> {
    const ready = await this.workers.usable().catch((error: unknown) => {
      if (!(error instanceof WorkerFailure)) throw error;
      return null;
    });
    if (ready === null) return;
    await reuseFinished(this.plan, ready.environment, records, this.context);
    this.wanted = this.whatIsWanted();
  }

  private whatIsWanted(): WorkOptions {
    const retryFailed = this.earlier?.retryFailed ?? false;
    const isKept = (text: string) => existsSync(join(this.context.logprobsFolder, text));
    return { retryFailed, rescore: this.progress.textsToRescore(isKept, retryFailed) };
  }

  private async recordEnvironment(environment: WorkerEnvironment): Promise<void> {
    const { earlier, progress, hasSeenEnvironment } = this;
    this.hasSeenEnvironment = true;
    if (earlier !== null && !hasSeenEnvironment) {
      await this.recordStart(acceptedChanges(progress.environment, environment, earlier.acceptChanges));
    }
    await record(this.context, "environment", { environment });
  }

  /** Once, before anything else of this process is recorded. */
  private async recordStart(environmentChanges: readonly string[]): Promise<void> {
    if (this.hasRecordedStart) return;
    this.hasRecordedStart = true;
    const { plan, context, progress, wanted } = this;
    if (!progress.hasStarted) return recordRun(plan, context);
    const { retryFailed } = wanted;
    await recordResume(context, { left: progress.left(wanted), retryFailed, environmentChanges });
  }
}

function overallStatus(
  results: readonly { readonly isComplete: boolean; readonly trialsCompleted: number }[],
  context: RunContext,
): RunEndRecord["status"] {
  if (results.every(({ isComplete }) => isComplete)) return "completed";
  if (context.stop.state !== null) return "interrupted";
  return results.some(({ trialsCompleted }) => trialsCompleted > 0) ? "partly_failed" : "all_failed";
}
