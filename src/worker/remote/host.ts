/** The end where a remote worker runs: starts one worker per session, and carries the messages between it and its controller. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Context, type curveKeyPair, Dealer, Router } from "zeromq";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { MAX_MESSAGE_BYTES } from "../../protocol/codec.js";
import { workerArgs } from "../launch.js";
import { makeRuntimeDir } from "../runtime-dir.js";
import { spawnWorker } from "../worker-process.js";
import { admitOnly, serverOptionsOf } from "../zmq-keys.js";
import { type FromHost, fromControllerSchema, KEEPALIVE, RECONNECT_SEC, TICK_SEC } from "./items.js";
import type { Versions } from "./remote-worker.js";
import { parseHead, ReliableStream } from "./stream.js";

export interface HostOptions extends Versions {
  /** `tcp://0.0.0.0:5599`; if the port is `*`, the system chooses one. */
  readonly listen: string;
  readonly keys: ReturnType<typeof curveKeyPair>;
  /** Public key of the one controller that may connect. */
  readonly allowed: string;
  readonly pythonPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly platform: string;
  readonly builtinModelPath: string | null;
  /** Folder for log-probabilities; used by this process alone. */
  readonly folder: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Arguments before the endpoints; tests put a fixture program here. */
  readonly program?: readonly string[];
}

interface Session {
  readonly id: string;
  readonly stream: ReliableStream;
  heardSec: number;
  /** Set as soon as a worker is asked for: messages that come meanwhile are for it, and no other run may have one. */
  worker: Promise<HostedWorker> | null;
  /** The run that the worker belongs to. */
  run: string | null;
  isClosed: boolean;
}

interface HostedWorker {
  readonly send: (lane: "work" | "control", frame: Buffer) => void;
  readonly signal: (signal: "SIGTERM" | "SIGKILL") => void;
  readonly end: () => Promise<void>;
}

export interface Host {
  readonly address: string;
  close(): Promise<void>;
}

/** Throws if the socket cannot be bound. */
export async function openHost(options: HostOptions): Promise<Host> {
  const context = new Context();
  const doorkeeper = await admitOnly(options.allowed, context);
  const socket = new Router({
    ...{ context, linger: 500, maxMessageSize: MAX_MESSAGE_BYTES, sendTimeout: 0, ...KEEPALIVE },
    ...serverOptionsOf(options.keys.secretKey),
  });
  await socket.bind(options.listen);
  const sessions = new Map<string, Session>();
  /** The connection over which each session was heard last: a new connection has another name. */
  const routes = new Map<string, Buffer>();
  let sending: Promise<unknown> = Promise.resolve();
  const open = (id: string): Session => {
    const say = (item: FromHost, payload: Uint8Array | null = null) => session.stream.say(item, payload);
    const session: Session = {
      id,
      heardSec: options.clock.monotonicSec(),
      worker: null,
      run: null,
      isClosed: false,
      stream: new ReliableStream({
        session: id,
        transmit: (frames) => {
          sending = sending.then(() => {
            const route = routes.get(id);
            return socket.closed || route === undefined
              ? null
              : socket.send([route, ...frames]).catch(() => {});
          });
        },
        onItem: (item, payload) => {
          const known = fromControllerSchema.safeParse(item);
          if (known.success) serve(options, { sessions, session, say }, known.data, payload);
        },
      }),
    };
    sessions.set(id, session);
    return session;
  };
  const timer = setInterval(() => {
    const now = options.clock.monotonicSec();
    for (const session of sessions.values()) {
      if (now - session.heardSec > RECONNECT_SEC || (session.isClosed && session.stream.isAllHeard)) {
        sessions.delete(session.id);
        routes.delete(session.id);
        void endWorker(session);
      } else session.stream.tick(now);
    }
  }, TICK_SEC * 1000);
  void (async () => {
    for await (const [route, frame, payload = null] of socket) {
      const head = parseHead(frame);
      if (head === null || route === undefined) continue;
      // Null for a session that is over, or that this end does not know because it was restarted.
      const session = sessions.get(head.session) ?? (head.seq === 1 ? open(head.session) : null);
      if (session === null) continue;
      routes.set(head.session, route);
      session.heardSec = options.clock.monotonicSec();
      session.stream.hear(head, payload);
    }
  })().catch(() => {});
  return {
    address: socket.lastEndpoint ?? options.listen,
    close: async () => {
      clearInterval(timer);
      for (const session of sessions.values()) await endWorker(session);
      await sending;
      socket.close();
      doorkeeper.close();
    },
  };
}

/** Ends the worker of a session, if it has one; a worker that could not be started has already reported that. */
async function endWorker({ worker }: Session): Promise<void> {
  await worker?.then(
    (one) => one.end(),
    () => {},
  );
}

interface Serving {
  readonly sessions: ReadonlyMap<string, Session>;
  readonly session: Session;
  readonly say: (item: FromHost, payload?: Uint8Array | null) => void;
}

function serve(
  options: HostOptions,
  { sessions, session, say }: Serving,
  item: ReturnType<typeof fromControllerSchema.parse>,
  payload: Buffer | null,
): void {
  switch (item.type) {
    case "describe": {
      const { hostname, platform, builtinModelPath: builtin_model_path, folder } = options;
      const problem = compareVersions(item, options);
      session.isClosed = true;
      if (problem !== null) say({ type: "refused", code: "version", message: problem });
      else say({ type: "described", hostname, platform, builtin_model_path, folder });
      return;
    }
    case "open": {
      const others = [...sessions.values()].filter((other) => other !== session && other.worker !== null);
      if (others.some(({ run }) => run !== item.run)) {
        say({ type: "refused", code: "busy", message: "another run is measuring there" });
        return;
      }
      // A run has only one worker: this one replaces a worker that the run has given up.
      for (const other of others) void endWorker(other);
      session.run = item.run;
      void removeLogprobs(options, item.run);
      session.worker = startWorker(options, say, () => {
        session.worker = null;
      });
      session.worker.catch((error: unknown) => {
        session.worker = null;
        say({ type: "refused", code: "start", message: String(error) });
      });
      return;
    }
    case "message":
      void session.worker?.then(
        (worker) => worker.send(item.lane, payload ?? Buffer.alloc(0)),
        () => {},
      );
      return;
    case "signal":
      void session.worker?.then(
        (worker) => worker.signal(item.signal),
        () => {},
      );
      return;
    case "close":
      session.isClosed = true;
      // If the worker has ended, nothing more is sent from here that would tell the controller that its `close` arrived.
      session.stream.acknowledge();
      void endWorker(session);
  }
}

/** Removes the log-probabilities of earlier runs, because nobody else knows where they are. */
async function removeLogprobs({ folder, log }: HostOptions, run: string): Promise<void> {
  try {
    const others = (await readdir(folder)).filter((name) => name !== run);
    for (const name of others) await rm(join(folder, name), { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    log.write("warning", "logprobs-left", { folder, error: String(error) });
  }
}

function compareVersions(
  { version, worker_code_sha256 }: { readonly version: string; readonly worker_code_sha256: string },
  own: Versions,
): string | null {
  if (version !== own.version) return `falcon-exp ${version} here, ${own.version} there.`;
  return worker_code_sha256 === own.workerCodeSha256
    ? null
    : "The worker's code there is not the same as here.";
}

/** Starts a worker as `launchWorker` does for a controller on this machine, but passes its frames on unchanged. */
async function startWorker(
  { pythonPath, env, log, program }: HostOptions,
  say: Serving["say"],
  onEnd: () => void,
): Promise<HostedWorker> {
  const runtime = await makeRuntimeDir();
  const lanes = { work: new Dealer({ linger: 0 }), control: new Dealer({ linger: 0 }) };
  await lanes.work.bind(runtime.workEndpoint);
  await lanes.control.bind(runtime.controlEndpoint);
  for (const lane of ["work", "control"] as const) {
    void (async () => {
      for await (const [frame] of lanes[lane]) if (frame !== undefined) say({ type: "message", lane }, frame);
    })().catch(() => {});
  }
  const toBoth: Log = {
    write: (level, event, fields) => {
      log.write(level, event, fields);
      if (event === "worker-output" && fields?.stream === "stderr")
        say({ type: "stderr", lines: [String(fields.line)] });
    },
  };
  const args = workerArgs({ work: runtime.workEndpoint, control: runtime.controlEndpoint }, program);
  const child = spawnWorker({ pythonPath, args, env, cwd: runtime.path }, toBoth);
  let sending: Promise<unknown> = Promise.resolve();
  const exited = child.exited.then(async ({ exitCode, signal }) => {
    child.signalGroup("SIGKILL");
    // Its last messages and lines may still be in the sockets and pipes.
    await new Promise((resolve) => setTimeout(resolve, 100));
    say({ type: "exit", exit_code: exitCode, signal });
    for (const socket of Object.values(lanes)) socket.close();
    await runtime.remove();
    onEnd();
  });
  return {
    send: (lane, frame) => {
      sending = sending.then(() => (lanes[lane].closed ? null : lanes[lane].send(frame).catch(() => {})));
    },
    signal: (signal) => void child.signalGroup(signal),
    end: async () => {
      child.signalGroup("SIGKILL");
      await exited;
    },
  };
}
