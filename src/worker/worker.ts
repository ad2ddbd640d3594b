import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { Timeouts } from "../plan/plan-types.js";
import type { ProtocolError } from "../protocol/codec.js";
import { type Phase, PROTOCOL_VERSION } from "../protocol/common.js";
import type {
  ControllerMessage,
  ErrorBody,
  OkBody,
  RequestType,
  WorkerMessage,
} from "../protocol/messages.js";
import { type Channel, type Lane, openChannel } from "./channel.js";
import { HeartbeatWatch, ProgressDeadline } from "./deadlines.js";
import { endsTrialProcess, type FailureCode, WorkerFailure } from "./failures.js";
import { makeRuntimeDir, type RuntimeDir } from "./runtime-dir.js";
import { spawnWorker, type WorkerExit, type WorkerProcess } from "./worker-process.js";

/**
 * new ─open─▶ starting ─hello─▶ idle ⇄ busy (one request at a time)
 *                 └───────────────┴──────┴──▶ stopping ─▶ ended
 */
export type WorkerState = "new" | "starting" | "idle" | "busy" | "stopping" | "ended";

/** After a cancel, how long the supervisor may take to end the trial process before it is ended from here. */
const CANCEL_GRACE_SEC = 6;
/** After `shutdown`, and again after SIGTERM, before the next harder step. */
const STOP_GRACE_SEC = 2;

export interface WorkerOptions {
  readonly pythonPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly log: Log;
  /** Arguments before the endpoints; tests put a fixture program here. */
  readonly program?: readonly string[];
}

export interface Progress {
  readonly phase: Phase;
  readonly detail: string;
  readonly outputTokens: number | null;
}

export interface Notice {
  readonly source: string;
  readonly text: string;
  readonly count: number;
}

export interface RequestHandlers {
  onProgress?(progress: Progress): void;
  onNotice?(notice: Notice): void;
}

type Request = Extract<ControllerMessage, { type: "start" | "load" | "generate" | "unload" }>;
type OkOf<T extends RequestType> = Extract<OkBody, { request: T }>;

interface Pending {
  readonly id: string;
  readonly type: RequestType;
  readonly phase: Phase;
  readonly deadline: ProgressDeadline;
  readonly handlers: RequestHandlers;
  readonly resolve: (body: OkBody) => void;
  readonly reject: (failure: WorkerFailure) => void;
}

interface Cause {
  readonly code: FailureCode;
  readonly message: string;
}

/** One supervisor process and the conversation with it. Not restartable: after `ended`, make a new one. */
export class Worker {
  private state: WorkerState = "new";
  private pending: Pending | null = null;
  /** Why the worker is being ended, if it is; the first cause wins. */
  private cause: Cause | null = null;
  private nextId = 1;
  private hello: ((value: undefined) => void) | null = null;

  private constructor(
    private readonly options: WorkerOptions,
    private readonly runtime: RuntimeDir,
    private readonly channel: Channel,
    private readonly process: WorkerProcess,
    private readonly heartbeat: HeartbeatWatch,
  ) {}

  /** Spawns the supervisor and waits for its hello. Throws WorkerFailure `worker-start-failed` with its stderr. */
  static async open(options: WorkerOptions): Promise<Worker> {
    const runtime = await makeRuntimeDir();
    let worker: Worker | null = null;
    const channel = await openChannel(
      { work: runtime.workEndpoint, control: runtime.controlEndpoint },
      {
        onMessage: (lane, message) => worker?.receive(lane, message),
        onProtocolError: (lane, error) => worker?.breach(lane, error),
      },
    );
    const program = options.program ?? ["-m", "falcon_exp.worker"];
    const endpoints = ["--work", runtime.workEndpoint, "--control", runtime.controlEndpoint];
    const child = spawnWorker(
      {
        pythonPath: options.pythonPath,
        args: [...program, ...endpoints, "--parent-pid", String(process.pid)],
        env: options.env,
        cwd: runtime.path,
      },
      options.log,
    );
    const heartbeat = new HeartbeatWatch(options.timeouts.heartbeat_sec, options.clock, (silentSec) =>
      worker?.kill({
        code: "worker-hung",
        message: `no heartbeat from the worker for ${silentSec.toFixed(0)} s`,
      }),
    );
    worker = new Worker(options, runtime, channel, child, heartbeat);
    await worker.awaitHello();
    return worker;
  }

  get isUsable(): boolean {
    return this.state === "idle";
  }

  get pid(): number | null {
    return this.process.pid;
  }

  start(handlers: RequestHandlers = {}): Promise<OkOf<"start">> {
    return this.request({ type: "start", body: {} }, "start", this.options.timeouts.start_sec, handlers);
  }

  load(
    body: Extract<Request, { type: "load" }>["body"],
    handlers: RequestHandlers = {},
  ): Promise<OkOf<"load">> {
    return this.request({ type: "load", body }, "load", this.options.timeouts.load_sec, handlers);
  }

  generate(
    body: Extract<Request, { type: "generate" }>["body"],
    handlers: RequestHandlers = {},
  ): Promise<OkOf<"generate">> {
    const { warmup_sec, measure_sec } = this.options.timeouts;
    const limit = body.phase === "warmup" ? warmup_sec : measure_sec;
    return this.request({ type: "generate", body }, body.phase, limit, handlers);
  }

  unload(handlers: RequestHandlers = {}): Promise<OkOf<"unload">> {
    return this.request({ type: "unload", body: {} }, "unload", this.options.timeouts.unload_sec, handlers);
  }

  /** Ends the trial process of the request under way, if any; that request then fails with `cancelled`. */
  cancel(message: string): void {
    this.cancelPending({ code: "cancelled", message });
  }

  /** Shutdown message, then SIGTERM, then SIGKILL to the whole group. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    if (this.state === "ended") return;
    if (this.state !== "stopping") {
      this.state = "stopping";
      await this.channel.send("control", this.envelope({ type: "shutdown", body: {} })).catch(() => {});
    }
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (await exitsWithin(this.process, STOP_GRACE_SEC)) break;
      this.process.signalGroup(signal);
    }
    await this.process.exited;
    await this.tidy();
  }

  // ---- conversation ------------------------------------------------------------------------------------------------

  private async awaitHello(): Promise<void> {
    this.state = "starting";
    void this.process.exited.then((exit) => this.onExit(exit));
    let deadline: ProgressDeadline | null = null;
    try {
      await new Promise<undefined>((resolve, reject) => {
        this.hello = resolve;
        const fail = (message: string) =>
          reject(this.failure({ code: "worker-start-failed", message }, "start"));
        const limit = this.options.timeouts.start_sec;
        deadline = new ProgressDeadline(limit, () => fail(`the worker did not say hello within ${limit} s`));
        void this.process.exited.then((exit) =>
          fail(`the worker ended before it said hello (${exitText(exit)})`),
        );
      });
      this.state = "idle";
    } catch (error) {
      this.process.signalGroup("SIGKILL");
      await this.process.exited;
      await this.tidy();
      throw error;
    } finally {
      (deadline as ProgressDeadline | null)?.stop();
      this.hello = null;
    }
  }

  private request<T extends Request["type"]>(
    message: { type: T; body: Extract<Request, { type: T }>["body"] },
    phase: Phase,
    progressSec: number,
    handlers: RequestHandlers,
  ): Promise<OkOf<T>> {
    if (this.state !== "idle") {
      const cause = this.cause ?? { code: "worker-died" as const, message: `the worker is ${this.state}` };
      return Promise.reject(this.failure(cause, phase));
    }
    this.state = "busy";
    const envelope = this.envelope(message as Pick<Request, "type" | "body">);
    const answer = new Promise<OkBody>((resolve, reject) => {
      const missed = () =>
        this.cancelPending({
          code: "no-progress",
          message: `no progress for ${progressSec} s while in ${phase}`,
        });
      const deadline = new ProgressDeadline(progressSec, missed);
      this.pending = { id: envelope.id, type: message.type, phase, deadline, handlers, resolve, reject };
    });
    this.channel.send("work", envelope).catch((error: unknown) => {
      this.kill({ code: "worker-protocol-error", message: `cannot send ${message.type}: ${String(error)}` });
    });
    return answer as Promise<OkOf<T>>;
  }

  private envelope(message: Pick<ControllerMessage, "type" | "body">): ControllerMessage {
    const id = `c${this.nextId++}`;
    return { v: PROTOCOL_VERSION, id, parent: null, ...message } as ControllerMessage;
  }

  private receive(lane: Lane, message: WorkerMessage): void {
    // Once it is being ended nothing more is believed, least of all an answer that was already on its way.
    if (this.state === "stopping" || this.state === "ended") return;
    this.heartbeat.beat(this.options.clock.monotonicSec());
    switch (message.type) {
      case "heartbeat":
        return;
      case "hello":
        this.options.log.write("info", "worker-hello", message.body);
        this.hello?.(undefined);
        return;
      case "progress":
        if (this.pending?.id !== message.parent) return;
        this.pending.deadline.touch();
        this.pending.handlers.onProgress?.({
          phase: message.body.phase,
          detail: message.body.detail,
          outputTokens: message.body.output_tokens,
        });
        return;
      case "notice":
        if (this.pending?.id === message.parent) this.pending.handlers.onNotice?.(message.body);
        return;
      case "ok":
      case "error":
        // Answers to ping, cancel and shutdown come on the control lane; what they asked for shows by itself.
        if (lane === "control") return;
        this.settle(message);
    }
  }

  private settle(message: Extract<WorkerMessage, { type: "ok" | "error" }>): void {
    const pending = this.pending;
    if (pending === null || message.parent !== pending.id) {
      this.kill({
        code: "worker-protocol-error",
        message: `an answer to no open request: ${message.parent}`,
      });
      return;
    }
    if (message.type === "ok" && message.body.request !== pending.type) {
      const message_ = `${pending.type} was answered as ${message.body.request}`;
      this.kill({ code: "worker-protocol-error", message: message_ });
      return;
    }
    this.clearPending();
    const failure = message.type === "error" ? this.answeredFailure(message.body, pending.phase) : null;
    if (this.state === "busy") {
      // A cancel that came too late leaves nothing behind.
      this.cause = null;
      this.state = "idle";
    }
    if (message.type === "ok") pending.resolve(message.body);
    else if (failure !== null) pending.reject(failure);
  }

  /** A cancelled request fails with the cause of the cancel (a hang, a Ctrl-C), not with the word `cancelled`. */
  private answeredFailure(body: ErrorBody, phase: Phase): WorkerFailure {
    const cause = body.code === "cancelled" && this.cause !== null ? this.cause : body;
    return new WorkerFailure(cause.code, cause.message, {
      phase: body.phase ?? phase,
      exitCode: body.exit_code,
      signal: body.signal,
      traceback: body.traceback,
      stderrTail: this.process.stderrTail(),
      trialProcessAlive: !endsTrialProcess(body.code) && body.exit_code === null && body.signal === null,
    });
  }

  // ---- endings -----------------------------------------------------------------------------------------------------

  private cancelPending(cause: Cause): void {
    const pending = this.pending;
    if (pending === null || this.cause !== null) return;
    this.cause = cause;
    this.channel
      .send("control", this.envelope({ type: "cancel", body: { target: pending.id } }))
      .catch(() => this.process.signalGroup("SIGKILL"));
    const grace = setTimeout(() => {
      if (this.pending?.id === pending.id) this.kill(cause);
    }, CANCEL_GRACE_SEC * 1000);
    grace.unref();
  }

  private breach(lane: Lane, error: ProtocolError): void {
    this.options.log.write("error", "worker-protocol-error", {
      lane,
      message: error.message,
      excerpt: error.excerpt,
    });
    this.kill({ code: "worker-protocol-error", message: `on the ${lane} lane: ${error.message}` });
  }

  private kill(cause: Cause): void {
    this.cause ??= cause;
    if (this.state === "ended") return;
    this.state = "stopping";
    this.process.signalGroup("SIGKILL");
  }

  private onExit(exit: WorkerExit): void {
    // Whatever the supervisor left behind (forkserver, trial process) goes with it.
    this.process.signalGroup("SIGKILL");
    const asked = this.state === "stopping" && this.cause === null;
    this.state = "ended";
    this.options.log.write(asked ? "info" : "error", "worker-exited", { ...exit, cause: this.cause });
    const cause = this.cause ?? {
      code: "worker-died" as const,
      message: `the worker ended (${exitText(exit)})`,
    };
    const pending = this.pending;
    if (pending !== null) {
      this.clearPending();
      pending.reject(this.failure(cause, pending.phase, exit));
    }
    void this.tidy();
  }

  private failure(cause: Cause, phase: Phase | null, exit?: WorkerExit): WorkerFailure {
    return new WorkerFailure(cause.code, cause.message, {
      phase,
      exitCode: exit?.exitCode ?? null,
      signal: exit?.signal ?? null,
      stderrTail: this.process.stderrTail(),
      trialProcessAlive: false,
    });
  }

  private clearPending(): void {
    this.pending?.deadline.stop();
    this.pending = null;
  }

  private async tidy(): Promise<void> {
    this.state = "ended";
    this.clearPending();
    this.heartbeat.stop();
    this.channel.close();
    await this.runtime.remove();
  }
}

function exitText(exit: WorkerExit): string {
  return exit.signal === null ? `exit code ${exit.exitCode ?? "unknown"}` : `killed by ${exit.signal}`;
}

async function exitsWithin(child: WorkerProcess, seconds: number): Promise<boolean> {
  const timer = new AbortController();
  const timedOut = delay(seconds * 1000, false, { signal: timer.signal }).catch(() => false);
  const exited = child.exited.then(() => true);
  const result = await Promise.race([exited, timedOut]);
  timer.abort();
  return result;
}
