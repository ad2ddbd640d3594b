import type { Plan } from "../plan/plan-types.js";
import type { Phase } from "../protocol/common.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import { WorkerFailure } from "../worker/failures.js";
import type { LibraryWarning } from "../worker/open-request.js";
import { Worker, type WorkerOptions } from "../worker/worker.js";
import type { RunContext } from "./executor.js";
import type { StopState } from "./stop.js";

export interface ReadyWorker {
  readonly worker: Worker;
  readonly environment: WorkerEnvironment;
}

/** Phases in which nothing is measured that would be worth waiting for. */
const BEFORE_TRIALS: ReadonlySet<Phase | null> = new Set<Phase | null>(["start", "load", "warmup"]);

/** Keeps one started worker; if the last one has ended, starts a new one and reports that. */
export class WorkerKeeper {
  private ready: ReadyWorker | null = null;
  private current: Worker | null = null;
  private readonly opening = new AbortController();
  private startWarnings: LibraryWarning[] = [];

  constructor(
    private readonly options: Omit<WorkerOptions, "clock" | "log" | "timeouts" | "abort">,
    private readonly plan: Plan,
    private readonly context: RunContext,
    /** Called with each started worker's description of the machine, before it is asked anything else; refuses it by throwing. */
    private readonly onEnvironment: (environment: WorkerEnvironment) => Promise<void>,
  ) {}

  /**
   * Returns a usable worker, and starts one if necessary. Throws WorkerFailure if none can be started: `cancelled` if a stop was
   * requested meanwhile.
   */
  async usable(): Promise<ReadyWorker> {
    if (this.ready?.worker.isUsable) return this.ready;
    await this.close();
    const { clock, log, onEvent, stop } = this.context;
    const startedSec = clock.monotonicSec();
    onEvent({ type: "worker-starting" });
    const { timeouts } = this.plan.header;
    const abort = this.opening.signal;
    const worker = await Worker.open({ ...this.options, timeouts, clock, log, abort });
    this.current = worker;
    onEvent({ type: "worker-importing" });
    try {
      const { environment } = await worker.ask(
        "start",
        {},
        {
          onProgress: ({ phase, detail }) =>
            onEvent({ type: "progress", phase, detail, outputTokens: null, tokensPerSec: null }),
          onLibraryWarning: (warning) => {
            log.write("warning", "worker-notice", { ...warning });
            this.startWarnings.push(warning);
          },
        },
      );
      await this.onEnvironment(environment);
      // A stop that came between two requests found nothing to cancel.
      if (stop.state !== null) throw cancelled(stop.state.reason);
      this.ready = { worker, environment };
      const devices = this.plan.configurations.map((configuration) => configuration.worker.device);
      onEvent({ type: "worker-ready", environment, devices, elapsedSec: clock.monotonicSec() - startedSec });
      return this.ready;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Returns the warnings that workers sent while they started, each only once: they are recorded with the next configuration. */
  takeStartWarnings(): readonly LibraryWarning[] {
    const taken = this.startWarnings;
    this.startWarnings = [];
    return taken;
  }

  /** `now` cancels whatever is under way; `after-this-trial` only what comes before trials. */
  stop({ how, reason }: StopState): void {
    this.opening.abort(reason);
    if (how === "now" || BEFORE_TRIALS.has(this.current?.phase ?? null)) this.current?.cancel(reason);
  }

  async close(): Promise<void> {
    const worker = this.current;
    this.current = null;
    this.ready = null;
    await worker?.close();
  }
}

function cancelled(reason: string): WorkerFailure {
  return new WorkerFailure("cancelled", reason, { phase: "start", trialProcessAlive: false });
}
