import type { Plan } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import { Worker, type WorkerOptions } from "../worker/worker.js";
import type { RunContext } from "./executor.js";

export interface ReadyWorker {
  readonly worker: Worker;
  readonly environment: WorkerEnvironment;
}

/** Keeps one started worker; makes a new one, in the open, when the last one ended. */
export class WorkerKeeper {
  private ready: ReadyWorker | null = null;
  private current: Worker | null = null;

  constructor(
    private readonly options: Omit<WorkerOptions, "clock" | "log" | "timeouts">,
    private readonly plan: Plan,
    private readonly context: RunContext,
    /** Told what each started worker says of the machine, before anything is asked of it; may refuse by throwing. */
    private readonly onEnvironment: (environment: WorkerEnvironment) => Promise<void>,
  ) {}

  /** Throws WorkerFailure when no worker can be started. */
  async usable(): Promise<ReadyWorker> {
    if (this.ready?.worker.isUsable) return this.ready;
    await this.close();
    const { clock, log, onEvent } = this.context;
    const startedSec = clock.monotonicSec();
    onEvent({ type: "worker-starting" });
    const worker = await Worker.open({ ...this.options, timeouts: this.plan.header.timeouts, clock, log });
    this.current = worker;
    try {
      const { environment } = await worker.start({
        onProgress: ({ phase, detail }) =>
          onEvent({ type: "progress", phase, detail, outputTokens: null, tokensPerSec: null }),
      });
      await this.onEnvironment(environment);
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
