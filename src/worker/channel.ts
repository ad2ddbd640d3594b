import { Context, Dealer, context as sharedContext } from "zeromq";
import {
  decodeWorkerMessage,
  encodeControllerMessage,
  MAX_MESSAGE_BYTES,
  ProtocolError,
} from "../protocol/codec.js";
import type { ControllerMessage, WorkerMessage } from "../protocol/messages.js";

import { admitOnly, type ChannelKeys, serverOptions } from "./zmq-keys.js";

export type Lane = "work" | "control";

export interface ChannelHandlers {
  onMessage(lane: Lane, message: WorkerMessage): void;
  /** The worker broke the contract; called once for each broken message. */
  onProtocolError(lane: Lane, error: ProtocolError): void;
  /** Called while nothing is heard because of the network, which says nothing about the worker. */
  onSilence?(): void;
}

/** The two ZeroMQ sockets of one worker: `work` for requests, `control` so that a stop never queues behind work. */
export interface Channel {
  /** The addresses that the worker connects to. */
  readonly endpoints: Readonly<Record<Lane, string>>;
  send(lane: Lane, message: ControllerMessage): Promise<void>;
  close(): void;
}

/**
 * Binds both sockets before anyone connects. Only well-formed messages reach `onMessage`. With `keys`, only the worker that holds
 * them is heard; a tcp endpoint without keys is refused, because any user of the machine could connect to it.
 */
export async function openChannel(
  addresses: Readonly<Record<Lane, string>>,
  handlers: ChannelHandlers,
  keys: ChannelKeys | null = null,
): Promise<Channel> {
  if (keys === null && !Object.values(addresses).every((address) => address.startsWith("ipc://"))) {
    throw new Error("an endpoint that others can reach needs keys");
  }
  // With keys, the channel needs its own context, because a context has just one handler that decides who may connect. Without,
  // it uses the shared one, because zeromq releases a context's threads and descriptors only when the process ends.
  const context = keys === null ? sharedContext : new Context();
  const doorkeeper = keys === null ? null : await admitOnly(keys.worker.publicKey, context);
  const sockets: Record<Lane, Dealer> = {
    work: makeSocket(context, keys),
    control: makeSocket(context, keys),
  };
  const endpoints = { ...addresses };
  for (const lane of ["work", "control"] as const) {
    await sockets[lane].bind(addresses[lane]);
    endpoints[lane] = sockets[lane].lastEndpoint ?? addresses[lane];
  }
  for (const lane of ["work", "control"] as const) void receive(lane, sockets[lane], handlers);
  return {
    endpoints,
    send: async (lane, message) => {
      await sockets[lane].send(encodeControllerMessage(message));
    },
    close: () => {
      for (const socket of Object.values(sockets)) if (!socket.closed) socket.close();
      doorkeeper?.close();
    },
  };
}

function makeSocket(context: Context, keys: ChannelKeys | null): Dealer {
  // linger 0: what was not delivered to a dead worker must not keep the controller alive.
  const options = { context, linger: 0, maxMessageSize: MAX_MESSAGE_BYTES, sendTimeout: 5_000 };
  return new Dealer(keys === null ? options : { ...options, ...serverOptions(keys) });
}

async function receive(lane: Lane, socket: Dealer, handlers: ChannelHandlers): Promise<void> {
  try {
    for await (const frames of socket) {
      const [frame] = frames;
      try {
        if (frames.length !== 1 || frame === undefined) {
          throw new ProtocolError(`expected one frame, got ${frames.length}`, "");
        }
        handlers.onMessage(lane, decodeWorkerMessage(frame));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        handlers.onProtocolError(lane, error);
      }
    }
  } catch (error) {
    // A closed socket ends the loop by itself; anything else is a defect and must be reported.
    if (!socket.closed) handlers.onProtocolError(lane, new ProtocolError(String(error), ""));
  }
}
