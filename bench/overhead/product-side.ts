/** falcon-exp as a side of the comparison: its own worker class, supervisor and trial process, reached over ZeroMQ. */
import { readFileSync, rmSync } from "node:fs";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import type { PlanConfiguration, Timeouts } from "../../src/plan/plan-types.js";
import { Worker } from "../../src/worker/worker.js";
import type { Slot } from "./order.js";
import type { Answer, Side, Turn } from "./pairs.js";
import { ProcessTree } from "./process-tree.js";
import { restGroup, wakeGroup, watchTurn } from "./resting.js";
import { computeActiveSec, type Window } from "./slices.js";

const REST_LIMIT_SEC = 3600;

export interface ProductOptions {
  readonly name: string;
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeouts: Timeouts;
  /** What Python runs: the worker, possibly with something switched off. It writes the times of each generate to a file. */
  readonly program: readonly string[];
  readonly clockFile: string;
}

type Span = readonly [startedSec: number, endedSec: number];

interface Timed {
  readonly times: Span;
  /** When it ran, if it took turns. */
  readonly windows?: readonly Window[];
}

/** What bench/variant_worker.py writes. */
interface Times {
  readonly measured: Timed;
  readonly plain: (Timed & { readonly text: string }) | null;
}

function makeInterleavedTurn({ times, windows = [times] }: Timed, text: string): Turn {
  const unknown = { cpuSec: null, minorFaults: null, waitedSec: null, besideCpuSec: null };
  return { elapsedSec: computeActiveSec(windows, ...times), text, ...unknown };
}

/** One worker, which loads one configuration after another, each in a trial process of its own, as a run does. */
export class ProductSide implements Side {
  readonly name: string;
  private readonly clockFile: string;
  private configuration: PlanConfiguration | null = null;
  private trialPid = 0;
  private trials = 0;
  /** The number of threads with which torch computes. */
  threads = 0;
  pids: readonly number[] = [];

  private constructor(
    options: ProductOptions,
    private readonly worker: Worker,
    private readonly pid: number,
  ) {
    this.name = options.name;
    this.clockFile = options.clockFile;
  }

  /** Starts the worker. When this resolves, its libraries are imported and no model is loaded yet. */
  static async open(options: ProductOptions): Promise<ProductSide> {
    const { python, env, timeouts, program, clockFile } = options;
    const worker = await Worker.open({
      pythonPath: python,
      env: { ...env, FALCON_EXP_BENCH_TIMES: clockFile },
      // The worker's supervisor sends no heartbeat while it rests.
      timeouts: { ...timeouts, heartbeat_sec: REST_LIMIT_SEC },
      clock: systemClock,
      log: silentLog,
      program,
    });
    if (worker.pid === null) throw new Error("a worker that was opened has no number");
    await worker.ask("start", {});
    return new ProductSide(options, worker, worker.pid);
  }

  async load(configuration: PlanConfiguration): Promise<void> {
    const { trial_pid, measurement } = await this.worker.ask("load", { configuration: configuration.worker });
    this.configuration = configuration;
    this.trialPid = trial_pid;
    this.threads = measurement.torch_threads;
    const tree = new ProcessTree(this.pid);
    tree.look();
    this.pids = tree.pids;
  }

  /** Ends the trial process; the next configuration can be loaded. */
  async end(): Promise<void> {
    this.wake();
    await this.worker.ask("unload", {});
    this.configuration = null;
  }

  rest(): void {
    restGroup(this.pid);
  }

  wake(): void {
    wakeGroup(this.pid);
  }

  generate(prompt: string): Promise<Answer> {
    const beside = this.pids.filter((pid) => pid !== this.trialPid);
    return watchTurn(this.trialPid, beside, async () => {
      const text = await this.ask(prompt, "");
      const [startedSec, endedSec] = this.readTimes().measured.times;
      return { startedSec, endedSec, text };
    });
  }

  /**
   * Generates as falcon-exp does and as the plain loop does, a token each in turns, in the same process. Needs
   * FALCON_EXP_BENCH_PAIRED in the environment.
   */
  async generatePair({ measuredFirst }: Slot, prompt: string): Promise<{ measured: Turn; against: Turn }> {
    const text = await this.ask(prompt, measuredFirst ? "" : "/plain-first");
    const { measured, plain } = this.readTimes();
    if (plain === null) throw new Error("the worker did not generate as the plain loop does");
    return { measured: makeInterleavedTurn(measured, text), against: makeInterleavedTurn(plain, plain.text) };
  }

  private async ask(prompt: string, suffix: string): Promise<string> {
    const { configuration } = this;
    if (configuration === null) throw new Error("no configuration is loaded");
    const { measurement } = await this.worker.ask("generate", {
      trial_id: `${configuration.worker.id}/bench${++this.trials}${suffix}`,
      phase: "measure",
      prompt,
      repeat: 0,
      generation: configuration.generation,
    });
    return measurement.output_text;
  }

  /** When the last generate began and ended, and the plain loop's beside it. */
  private readTimes(): Times {
    return JSON.parse(readFileSync(this.clockFile, "utf8")) as Times;
  }

  /** Ends the worker; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.wake();
    await this.worker.close();
    rmSync(this.clockFile, { force: true });
  }
}
