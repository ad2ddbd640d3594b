/** A worker on another machine, as the controller sees it: the same as `launchWorker` returns for one on this machine. */
import type { Clock } from "../../base/clock.js";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import type { Log } from "../../base/log.js";
import { decodeWorkerMessage, encodeControllerMessage, ProtocolError } from "../../protocol/codec.js";
import type { Channel, ChannelHandlers, Lane } from "../channel.js";
import type { Launched } from "../launch.js";
import { LineTail } from "../line-tail.js";
import type { WorkerExit, WorkerProcess } from "../worker-process.js";
import { connect, type RemoteAddress } from "./connection.js";
import { type FromHost, RECONNECT_SEC } from "./items.js";

/** How long to wait for a description; a machine in the same room answers in a fraction of this. */
const DESCRIBE_SEC = 15;
/** A connection that is silent for this long counts as cut. */
const CUT_SEC = 4;
const CLOSE_SEC = 2;
const STDERR_LINES = 40;

export type RemoteHost = Extract<FromHost, { type: "described" }>;

export interface Versions {
  readonly version: string;
  readonly workerCodeSha256: string;
}

/** Throws FalconError `remote-worker-unreachable`, `remote-worker-refused`. */
export async function describeRemote(
  remote: RemoteAddress,
  { version, workerCodeSha256 }: Versions,
  clock: Clock,
): Promise<RemoteHost> {
  const fail = (code: string, message: string, next: string) =>
    new FalconError({ code, message, next, exitCode: ExitCode.setupFailed });
  let connection: ReturnType<typeof connect> | null = null;
  try {
    return await new Promise<RemoteHost>((resolve, reject) => {
      connection = connect({
        ...remote,
        clock,
        onItem: (item) => {
          if (item.type === "described") resolve(item);
          if (item.type === "refused")
            reject(
              fail("remote-worker-refused", item.message, "Install the same falcon-exp on both machines."),
            );
        },
        onTick: (silentSec) => {
          if (silentSec < DESCRIBE_SEC) return;
          reject(
            fail(
              "remote-worker-unreachable",
              `Nothing answers at ${remote.address}: no worker is listening there, the network blocks the connection, or a key does not belong to the other side.`,
              "Check that `falcon-exp worker --listen` is running there, and which keys it names; each side must name the other's public key.",
            ),
          );
        },
      });
      connection.say({ type: "describe", version, worker_code_sha256: workerCodeSha256 });
    });
  } finally {
    await (connection as ReturnType<typeof connect> | null)?.close(0);
  }
}

/** Starts a worker there. Never throws: if something goes wrong, the worker's process counts as ended. */
export function launchRemote(
  remote: RemoteAddress & { readonly run: string },
  { log, clock, handlers }: { readonly log: Log; readonly clock: Clock; readonly handlers: ChannelHandlers },
): Launched {
  let exit: (exit: WorkerExit) => void = () => {};
  let hasExited = false;
  const exited = new Promise<WorkerExit>((resolve) => {
    exit = (one) => {
      hasExited = true;
      resolve(one);
    };
  });
  const stderr = new LineTail(STDERR_LINES, (line) =>
    log.write("debug", "worker-output", { stream: "stderr", line }),
  );
  const say = (line: string) => stderr.push(Buffer.from(`${line}\n`));
  let isCut = false;
  const connection = connect({
    ...remote,
    clock,
    onItem: (item, payload) => {
      if (item.type === "message") hand(handlers, item.lane, payload);
      else if (item.type === "stderr") for (const line of item.lines) say(line);
      else if (item.type === "exit") exit({ exitCode: item.exit_code, signal: item.signal });
      else if (item.type === "refused") {
        say(`the remote worker refused: ${item.message}`);
        exit({ exitCode: null, signal: null });
      }
    },
    onTick: (silentSec, isBehind) => {
      if (hasExited) return;
      const isQuiet = silentSec > CUT_SEC;
      if (isQuiet !== isCut) log.write("warning", isQuiet ? "remote-worker-cut" : "remote-worker-back", {});
      isCut = isQuiet;
      if (silentSec > RECONNECT_SEC) {
        say(`nothing was heard from the remote worker for ${silentSec.toFixed(0)} s`);
        exit({ exitCode: null, signal: null });
      } else if (isCut || isBehind) handlers.onSilence?.();
    },
  });
  connection.say({ type: "open", run: remote.run });
  const channel: Channel = {
    endpoints: { work: remote.address, control: remote.address },
    send: async (lane, message) =>
      connection.say({ type: "message", lane }, Buffer.from(encodeControllerMessage(message))),
    close: () => {},
  };
  const process: WorkerProcess = {
    pid: null,
    exited,
    stderrTail: (since) => stderr.last(since),
    countStderrLines: () => stderr.count,
    signalGroup: (signal) => {
      if (!hasExited) connection.say({ type: "signal", signal });
      return !hasExited;
    },
  };
  const remove = async () => {
    connection.say({ type: "close" });
    if (!(await connection.close(CLOSE_SEC))) log.write("warning", "remote-worker-close-unanswered", {});
  };
  const { address } = remote;
  return { channel, process, runtime: { path: "", workEndpoint: address, controlEndpoint: address, remove } };
}

function hand(handlers: ChannelHandlers, lane: Lane, payload: Buffer | null): void {
  try {
    handlers.onMessage(lane, decodeWorkerMessage(payload ?? Buffer.alloc(0)));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    handlers.onProtocolError(lane, error);
  }
}
