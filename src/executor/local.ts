import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { withBuiltinPath } from "../plan/builtin-model.js";
import type { LoadSession, Plan, PlanConfiguration } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import { findFurtherLoads, listFurtherRounds, listFurtherWork } from "../run/further-loads.js";
import type { EarlierRecords } from "../run/newest-first.js";
import {
  isEmpty,
  PlanProgress,
  type RemainingWorkOptions,
  type SessionWork,
  UNFINISHED,
} from "../run/plan-progress.js";
import type { RunEndRecord, RunFileRecord } from "../run/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { WorkerOptions } from "../worker/worker.js";
import type { EarlierWork, Executor, RunContext, RunOptions } from "./executor.js";
import { findReasonForAll, MemoryPruning } from "./memory-pruning.js";
import { acceptedChanges, recordResume, recordRun } from "./record-start.js";
import { recordKept, recordSkipped, recordStartFailure } from "./record-unrun.js";
import { record } from "./recorder.js";
import { reuseFinished } from "./reuse.js";
import { runDriftProbe } from "./run-drift-probe.js";
import { runLoadSession } from "./run-load-session.js";
import { WorkerKeeper } from "./worker-keeper.js";

export interface LocalExecutorOptions {
  readonly worker: Omit<WorkerOptions, "clock" | "log" | "timeouts" | "abort">;
  /** Folder of the converted embedded model; null if the plan does not use it. */
  readonly builtinModelPath: string | null;
}

/** Runs the plan on this machine: one worker, one load session after another, a fresh process for each. */
export class LocalExecutor implements Executor {
  constructor(private readonly options: LocalExecutorOptions) {}

  run(plan: Plan, context: RunContext, options: RunOptions = {}): Promise<RunEndRecord["status"]> {
    return new LocalRun(this.options, plan, context, options).run();
  }
}

/**
 * One run, with what a load session needs to know about those before it. The remaining work always follows from the records so
 * far, whether this process or an earlier one wrote them.
 */
class LocalRun {
  private readonly workers: WorkerKeeper;
  private readonly progress: PlanProgress;
  private readonly context: RunContext;
  private readonly pruning: MemoryPruning;
  private hasRecordedStart = false;
  private hasSeenEnvironment = false;
  private readonly earlier: EarlierWork | null;
  private workOptions: RemainingWorkOptions;
  /** Sessions of further rounds that the records call for, no matter which process measured them. */
  private readonly furtherSessions: LoadSession[] = [];

  constructor(
    private readonly options: LocalExecutorOptions,
    private readonly plan: Plan,
    context: RunContext,
    private readonly asked: RunOptions,
  ) {
    const earlier = asked.earlier ?? null;
    this.earlier = earlier;
    this.progress = earlier?.progress ?? new PlanProgress(plan);
    this.pruning = new MemoryPruning(plan, this.progress);
    const append = async (one: RunFileRecord) => {
      await context.records.append(one);
      this.progress.apply(one);
    };
    this.context = { ...context, records: { append } };
    this.workers = new WorkerKeeper(options.worker, plan, this.context, (environment) =>
      this.recordEnvironment(environment),
    );
    this.workOptions = this.chooseWorkOptions();
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
      const textIds = [...this.workOptions.rescore];
      if (textIds.length > 0) context.onEvent({ type: "rescoring", textIds });
      for (const session of plan.blocks) await this.runOne(session);
      await this.runFurtherRounds();
    } finally {
      stopListening();
      await this.workers.close();
      if (plan.header.quality?.keep_logprobs !== true && this.areLogprobsHere) {
        await rm(context.logprobsFolder, { recursive: true, force: true });
      }
    }
    const measured = [...plan.blocks.filter(({ role }) => role === "measure"), ...this.furtherSessions];
    const status = overallStatus(
      measured.map((session) => progress.summarizeSession(session)),
      context,
    );
    const elapsedSec = context.clock.monotonicSec() - startedSec;
    await record(context, "run_end", { status, elapsed_sec: elapsedSec });
    context.onEvent({ type: "run-ended", status, elapsedSec });
    return status;
  }

  /**
   * Loads configurations again whose ratio is not known well enough; the rounds before decide what each further round measures.
   */
  private async runFurtherRounds(): Promise<void> {
    const { plan, context, progress } = this;
    for (const round of listFurtherRounds(plan)) {
      const { sessions, uncertainty } = findFurtherLoads(plan, progress, round);
      this.furtherSessions.push(...sessions);
      if (context.stop.state !== null || sessions.length === 0) return;
      const left = sessions.filter((one) => progress.findRemainingWork(one, this.workOptions) !== null);
      if (left.length === 0) continue;
      const trials = left.reduce((sum, session) => sum + progress.listTrials(session).length, 0);
      context.onEvent({ type: "ratios-uncertain", uncertainty, sessions: left, trials });
      for (const session of left) await this.runOne(session);
    }
  }

  private async runOne(session: LoadSession): Promise<void> {
    const configuration = this.findConfiguration(session);
    const { context, progress } = this;
    let work = progress.findRemainingWork(session, this.workOptions);
    if (work === null) context.onEvent({ type: "configuration-kept", session });
    while (work !== null) {
      await this.attempt(configuration, work);
      work = context.stop.state === null ? progress.findRemainingWork(session, UNFINISHED) : null;
      if (work?.retryOf == null) break;
      const { attempt, retryOf: failure } = work;
      context.log.write("warning", "configuration-retried", { block: session, attempt, failure });
      context.onEvent({ type: "configuration-retried", configuration, session, failure, attempt });
    }
    this.pruning.add(configuration, session);
  }

  /** Never throws because the worker failed: the failure is recorded. */
  private async attempt(configuration: PlanConfiguration, work: SessionWork): Promise<void> {
    const { context, plan, progress } = this;
    const { session } = work;
    const unrun = { configuration, work, trials: progress.listTrials(session), progress };
    const { state } = context.stop;
    if (state !== null) {
      return recordSkipped(unrun, "cancelled", `${state.reason}, before it was started`, context);
    }
    const reason = this.pruning.findReasonToSkip(configuration, session);
    if (reason !== null) return recordSkipped(unrun, "skipped", reason, context);
    if (isEmpty(work)) return recordKept(unrun, context);
    const implied = this.pruning.findImplied(configuration);
    const reasonForAll = findReasonForAll(work, implied);
    if (reasonForAll !== null) return recordSkipped(unrun, "skipped", reasonForAll, context);
    try {
      const { worker, environment } = await this.workers.usable();
      const isProbe = session.role === "sentinel";
      const job = {
        ...unrun,
        // A drift probe's record has no field for them.
        startWarnings: isProbe ? [] : this.workers.takeStartWarnings(),
        plan,
        session,
        configuration: this.withModelPath(configuration),
        environment,
        fingerprints: this.earlier?.acceptChanges === true ? null : progress.findFingerprints(configuration),
        implied,
      };
      await (isProbe ? runDriftProbe : runLoadSession)(job, worker, context);
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      if (error.code === "cancelled") return recordSkipped(unrun, "cancelled", error.message, context);
      await recordStartFailure(unrun, error.toRecord(), context);
    }
  }

  private findConfiguration(session: LoadSession): PlanConfiguration {
    const found = this.plan.configurations.find(({ worker }) => worker.id === session.configuration_id);
    if (found === undefined) throw new Error(`session ${session.index} names no configuration of the plan`);
    return found;
  }

  private withModelPath(configuration: PlanConfiguration): PlanConfiguration {
    const { worker, generation } = configuration;
    const model = withBuiltinPath(worker.model, this.options.builtinModelPath);
    const assistant = generation.assistant_model;
    const assistant_model =
      assistant === null ? null : withBuiltinPath(assistant, this.options.builtinModelPath);
    return {
      ...configuration,
      worker: { ...worker, model },
      generation: { ...generation, assistant_model },
    };
  }

  /** Starts a worker first, so that nothing is written before it is known that this environment may continue the run. */
  private async startAgain(): Promise<void> {
    if (!this.hasWorkLeft()) return;
    await this.workers.usable().catch((error: unknown) => {
      // The load session that needs the worker tries again, and records the failure.
      if (!(error instanceof WorkerFailure)) throw error;
    });
  }

  /** Whether work is left in the plan, or in further rounds as far as the records call for them now. */
  private hasWorkLeft(): boolean {
    const { plan, progress, workOptions } = this;
    if (!progress.listRemainingWork(workOptions).every(isEmpty)) return true;
    return listFurtherWork(plan, progress, workOptions).length > 0;
  }

  /**
   * Reuses nothing if no worker can be started, because then nothing is known to be equal; the first load session records that
   * failure.
   */
  private async reuse(records: EarlierRecords): Promise<void> {
    const ready = await this.workers.usable().catch((error: unknown) => {
      if (!(error instanceof WorkerFailure)) throw error;
      return null;
    });
    if (ready === null) return;
    await reuseFinished(this.plan, ready.environment, records, this.context);
    this.workOptions = this.chooseWorkOptions();
  }

  /**
   * Whether the log-probabilities are on this machine. With a remote worker they are on its machine, and a local folder of this
   * name belongs to somebody else.
   */
  private get areLogprobsHere(): boolean {
    return this.options.worker.launch === undefined;
  }

  private chooseWorkOptions(): RemainingWorkOptions {
    const retryFailed = this.earlier?.retryFailed ?? false;
    const { logprobsFolder } = this.context;
    const isKept = (key: string) => this.areLogprobsHere && existsSync(join(logprobsFolder, key));
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

  /** Records the start only once, before this process records anything else. */
  private async recordStart(environmentChanges: readonly string[]): Promise<void> {
    if (this.hasRecordedStart) return;
    this.hasRecordedStart = true;
    const { plan, context, progress, workOptions } = this;
    if (!progress.hasStarted) return recordRun(plan, context);
    const { retryFailed } = workOptions;
    await recordResume(context, {
      left: [...progress.listRemainingWork(workOptions), ...listFurtherWork(plan, progress, workOptions)],
      retryFailed,
      environmentChanges,
    });
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
