/** Starts a supervisor process, with the channel to it and the folder that both use. */
import { dirname } from "node:path";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { type Channel, type ChannelHandlers, openChannel } from "./channel.js";
import { makeRuntimeDir, type RuntimeDir } from "./runtime-dir.js";
import { removeStaleRuntimeDirs } from "./stale-runtime-dirs.js";
import { DEFAULT_TRANSPORT, LOOPBACK, type Transport } from "./transport.js";
import { spawnWorker, type WorkerProcess } from "./worker-process.js";
import { keysForWorker, makeChannelKeys } from "./zmq-keys.js";

export interface LaunchOptions {
  readonly pythonPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly transport?: Transport;
  /** Arguments before the endpoints; tests put a fixture program here. */
  readonly program?: readonly string[];
  /** Starts the worker if it is not on this machine. */
  readonly launch?: Launch;
}

export type Launch = (to: {
  readonly log: Log;
  readonly clock: Clock;
  readonly handlers: ChannelHandlers;
}) => Launched;

export interface Launched {
  readonly runtime: RuntimeDir;
  readonly channel: Channel;
  readonly process: WorkerProcess;
}

const WORKER_PROGRAM = ["-m", "falcon_exp.worker"];

/** Returns the arguments of a supervisor that connects to these endpoints and ends with this process. */
export function workerArgs(
  { work, control }: Channel["endpoints"],
  program: readonly string[] = WORKER_PROGRAM,
): readonly string[] {
  return [...program, "--work", work, "--control", control, "--parent-pid", String(process.pid)];
}

/**
 * Opens the channel before it starts the process. Throws if the folder or the sockets cannot be made, and then leaves nothing
 * behind.
 */
export async function launchWorker(
  options: LaunchOptions & { readonly clock: Clock },
  handlers: ChannelHandlers,
): Promise<Launched> {
  if (options.launch !== undefined) return options.launch({ ...options, handlers });
  const { transport = DEFAULT_TRANSPORT, program } = options;
  const runtime = await makeRuntimeDir();
  await removeStaleRuntimeDirs(dirname(runtime.path));
  const keys = transport === "tcp" ? makeChannelKeys() : null;
  const address =
    transport === "tcp" ? LOOPBACK : { work: runtime.workEndpoint, control: runtime.controlEndpoint };
  const channel = await openChannel(address, handlers, keys).catch(async (error: unknown) => {
    await runtime.remove();
    throw error;
  });
  const child = spawnWorker(
    {
      pythonPath: options.pythonPath,
      args: [...workerArgs(channel.endpoints, program), ...(keys === null ? [] : ["--curve"])],
      ...(keys === null ? {} : { firstInput: keysForWorker(keys) }),
      env: options.env,
      cwd: runtime.path,
    },
    options.log,
  );
  return { runtime, channel, process: child };
}
