import type { Clock } from "../base/clock.js";
import type { Timeouts } from "../plan/plan-types.js";
import type { ProtocolError } from "../protocol/codec.js";
import { type Phase, PROTOCOL_VERSION } from "../protocol/common.js";
import type { ControllerMessage, ErrorBody, WorkerMessage } from "../protocol/messages.js";
import type { Channel, Lane } from "./channel.js";
import { HeartbeatWatch, ProgressDeadline } from "./deadlines.js";
import { endsTrialProcess, type FailureCode, WorkerFailure } from "./failures.js";
import { nameByLastWords } from "./last-words.js";
import { type Launched, type LaunchOptions, launchWorker } from "./launch.js";
import { type Answer, notAsked, OpenRequest, type RequestHandlers } from "./open-request.js";
import { type BodyOf, type OkOf, requestDeadline, type WorkRequest, type WorkType } from "./requests.js";
import type { RuntimeDir } from "./runtime-dir.js";
import { exitsWithin, exitText, type WorkerExit, type WorkerProcess } from "./worker-process.js";

/**
 * new ─open─▶ starting ─hello─▶ idle ⇄ busy (one request at a time)
 *                 └───────────────┴──────┴──▶ stopping ─▶ ended
 */
export type WorkerState = "new" | "starting" | "idle" | "busy" | "stopping" | "ended";

/** After a cancel, how long the supervisor may take to end the trial process before both are killed from here. */
const CANCEL_GRACE_SEC = 6;
/** How long to wait after `shutdown`, and again after SIGTERM, before the next harder step. */
const STOP_GRACE_SEC = 2;

export interface WorkerOptions extends LaunchOptions {
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  /** Ends the wait for the hello: `open` then throws WorkerFailure `cancelled`, with the abort's reason as its message. */
  readonly abort?: AbortSignal;
}

interface Cause {
  readonly code: FailureCode;
  readonly message: string;
}

/** One supervisor process and the conversation with it. Not restartable: after `ended`, make a new one. */
export class Worker {
  private state: WorkerState = "new";
  private open: OpenRequest | null = null;
  /** Why the worker is being ended, if it is; the first cause wins. */
  private cause: Cause | null = null;
  private nextId = 1;
  private hello: ((value: undefined) => void) | null = null;
  private disposal: Promise<void> | null = null;

  private readonly runtime: RuntimeDir;
  private readonly channel: Channel;
  private readonly process: WorkerProcess;

  private constructor(
    private readonly options: WorkerOptions,
    launched: Launched,
    private readonly heartbeat: HeartbeatWatch,
  ) {
    this.runtime = launched.runtime;
    this.channel = launched.channel;
    this.process = launched.process;
  }

  /** Spawns the supervisor and waits for its hello. Throws WorkerFailure `worker-start-failed` with its stderr. */
  static async open(options: WorkerOptions): Promise<Worker> {
    let worker: Worker | null = null;
    const launched = await launchWorker(options, {
      onMessage: (lane, message) => worker?.receive(lane, message),
      onProtocolError: (lane, error) => worker?.reportProtocolViolation(lane, error),
      onSilence: () => heartbeat.beat(options.clock.monotonicSec()),
    });
    const heartbeat = new HeartbeatWatch(options.timeouts.heartbeat_sec, options.clock, (silentSec) =>
      worker?.kill({
        code: "worker-hung",
        message: `no heartbeat from the worker for ${silentSec.toFixed(0)} s`,
      }),
    );
    worker = new Worker(options, launched, heartbeat);
    await worker.awaitHello();
    return worker;
  }

  get isUsable(): boolean {
    return this.state === "idle";
  }

  get pid(): number | null {
    return this.process.pid;
  }

  /** The phase of the request under way; null if there is none. */
  get phase(): Phase | null {
    return this.open?.phase ?? null;
  }

  /**
   * Sends a request and returns its answer. Throws WorkerFailure with the error that the worker answered, or with the reason why
   * it ended instead; fails at once if the worker is not idle.
   */
  ask<T extends WorkType>(type: T, body: BodyOf<T>, handlers: RequestHandlers = {}): Promise<OkOf<T>> {
    const { phase, limitSec } = requestDeadline(type, body, this.options.timeouts);
    if (this.state !== "idle") {
      const cause = this.cause ?? { code: "worker-died" as const, message: `the worker is ${this.state}` };
      return Promise.reject(this.failure(cause, phase));
    }
    this.state = "busy";
    const envelope = this.envelope({ type, body } as Pick<WorkRequest, "type" | "body">);
    const onStuck = (text: string) => this.cancelOpen({ code: "no-progress", message: text });
    const firstStderrLine = this.process.countStderrLines();
    const limits = { progressSec: limitSec, onStuck };
    const open = new OpenRequest({ id: envelope.id, type, phase, handlers, firstStderrLine, ...limits });
    this.open = open;
    this.channel.send("work", envelope).catch((error: unknown) => {
      this.kill({ code: "worker-protocol-error", message: `cannot send ${type}: ${String(error)}` });
    });
    return open.answer as Promise<OkOf<T>>;
  }

  /** Ends the trial process of the request under way, if any; that request then fails with `cancelled`. */
  cancel(message: string): void {
    this.cancelOpen({ code: "cancelled", message });
  }

  /** Sends the shutdown message, then SIGTERM, then SIGKILL to the whole group. Resolves when nothing of the worker is left. */
  async close(): Promise<void> {
    if (this.state === "ended") return this.dispose();
    if (this.state !== "stopping") {
      this.state = "stopping";
      await this.channel.send("control", this.envelope({ type: "shutdown", body: {} })).catch(() => {});
    }
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (await exitsWithin(this.process, STOP_GRACE_SEC)) break;
      this.process.signalGroup(signal);
    }
    await this.process.exited;
    await this.dispose();
  }

  // ---- conversation ------------------------------------------------------------------------------------------------

  private async awaitHello(): Promise<void> {
    this.state = "starting";
    void this.process.exited.then((exit) => this.onExit(exit));
    let deadline: ProgressDeadline | null = null;
    try {
      await new Promise<undefined>((resolve, reject) => {
        this.hello = resolve;
        const fail = (message: string, code: FailureCode = "worker-start-failed") =>
          reject(this.failure({ code, message }, "start"));
        const { abort } = this.options;
        const onAbort = () => fail(String(abort?.reason), "cancelled");
        if (abort?.aborted) onAbort();
        abort?.addEventListener("abort", onAbort, { once: true });
        const limit = this.options.timeouts.start_sec;
        deadline = new ProgressDeadline(limit, () => fail(`the worker did not say hello within ${limit} s`));
        void this.process.exited.then((exit) =>
          fail(this.cause?.message ?? `the worker ended before it said hello (${exitText(exit)})`),
        );
      });
      this.state = "idle";
    } catch (error) {
      this.process.signalGroup("SIGKILL");
      await this.process.exited;
      await this.dispose();
      throw error;
    } finally {
      (deadline as ProgressDeadline | null)?.stop();
      this.hello = null;
    }
  }

  private envelope(message: Pick<ControllerMessage, "type" | "body">): ControllerMessage {
    const id = `c${this.nextId++}`;
    return { v: PROTOCOL_VERSION, id, parent: null, ...message } as ControllerMessage;
  }

  private receive(lane: Lane, message: WorkerMessage): void {
    // Once the worker is being ended, no message counts any more, least of all an answer that was already on its way.
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
      case "notice":
        this.open?.hear(message);
        return;
      case "ok":
      case "error":
        // Answers to ping, cancel and shutdown come on the control lane and are not needed: their effect shows by itself.
        if (lane === "control") return;
        this.settle(message);
    }
  }

  private settle(message: Extract<WorkerMessage, { type: "ok" | "error" }>): void {
    const open = this.open;
    const answer = open?.read(message) ?? { kind: "protocol-violation", message: notAsked(message.parent) };
    if (open === null || answer.kind === "protocol-violation") {
      this.kill({
        code: "worker-protocol-error",
        message: answer.kind === "protocol-violation" ? answer.message : "",
      });
      return;
    }
    if (answer.kind === "error" && answer.body.code === "trial-process-died") {
      // The last words of the trial process are in the pipe already, and are read before these callbacks run.
      setImmediate(() => setImmediate(() => this.finish(open, answer)));
    } else {
      this.finish(open, answer);
    }
  }

  private finish(open: OpenRequest, answer: Exclude<Answer, { kind: "protocol-violation" }>): void {
    if (this.open !== open) return;
    const failure = answer.kind === "error" ? this.answeredFailure(answer.body, open) : null;
    // A cancel that came too late must not affect later requests.
    this.cause = null;
    this.open = null;
    this.state = "idle";
    if (answer.kind === "ok") open.fulfil(answer.body);
    else if (failure !== null) open.fail(failure);
  }

  /** A cancelled request fails with the cause of the cancel (a hang, a Ctrl-C), not with the worker's own error `cancelled`. */
  private answeredFailure(body: ErrorBody, { phase, firstStderrLine }: OpenRequest): WorkerFailure {
    const cancelled = body.code === "cancelled" ? this.cause : null;
    const cause = cancelled ?? nameByLastWords(body, this.process.stderrTail(firstStderrLine));
    return new WorkerFailure(cause.code, cause.message, {
      phase: body.phase ?? phase,
      exitCode: body.exit_code,
      signal: body.signal,
      traceback: body.traceback,
      next: cancelled === null && cause.code === body.code ? body.next : null,
      stderrTail: this.process.stderrTail(),
      trialProcessAlive: !endsTrialProcess(body.code) && body.exit_code === null && body.signal === null,
    });
  }

  // ---- endings -----------------------------------------------------------------------------------------------------

  private cancelOpen(cause: Cause): void {
    const open = this.open;
    if (open === null || this.cause !== null) return;
    this.cause = cause;
    this.channel
      .send("control", this.envelope({ type: "cancel", body: { target: open.id } }))
      .catch(() => this.kill(cause));
    const grace = setTimeout(() => {
      if (this.open === open) this.kill(cause);
    }, CANCEL_GRACE_SEC * 1000);
    grace.unref();
  }

  private reportProtocolViolation(lane: Lane, error: ProtocolError): void {
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
    // Kills whatever the supervisor left behind (forkserver, trial process).
    this.process.signalGroup("SIGKILL");
    const asked = this.state === "stopping" && this.cause === null;
    this.state = "ended";
    this.options.log.write(asked ? "info" : "error", "worker-exited", { ...exit, cause: this.cause });
    const cause = this.cause ?? {
      code: "worker-died" as const,
      message: `the worker ended (${exitText(exit)})`,
    };
    this.open?.fail(this.failure(cause, this.open.phase, exit));
    // close() reports a failed removal.
    this.dispose().catch(() => {});
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

  /** Disposes of everything once: whoever sees the end first starts it, and every later caller waits for the same disposal. */
  private dispose(): Promise<void> {
    this.disposal ??= this.disposeOnce();
    return this.disposal;
  }

  private async disposeOnce(): Promise<void> {
    this.state = "ended";
    this.open = null;
    this.heartbeat.stop();
    this.channel.close();
    await this.runtime.remove();
  }
}
