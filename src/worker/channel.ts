import { Dealer } from "zeromq";
import {
  decodeWorkerMessage,
  encodeControllerMessage,
  MAX_MESSAGE_BYTES,
  ProtocolError,
} from "../protocol/codec.js";
import type { ControllerMessage, WorkerMessage } from "../protocol/messages.js";

export type Lane = "work" | "control";

export interface ChannelHandlers {
  onMessage(lane: Lane, message: WorkerMessage): void;
  /** The worker broke the contract; called once for each broken message. */
  onProtocolError(lane: Lane, error: ProtocolError): void;
}

/** The two ZeroMQ sockets of one worker: `work` for requests, `control` so that a stop never queues behind work. */
export interface Channel {
  send(lane: Lane, message: ControllerMessage): Promise<void>;
  close(): void;
}

/** Binds both sockets before anyone connects. Only well-formed messages reach `onMessage`. */
export async function openChannel(
  endpoints: Readonly<Record<Lane, string>>,
  handlers: ChannelHandlers,
): Promise<Channel> {
  const sockets: Record<Lane, Dealer> = { work: makeSocket(), control: makeSocket() };
  for (const lane of ["work", "control"] as const) await sockets[lane].bind(endpoints[lane]);
  for (const lane of ["work", "control"] as const) void receive(lane, sockets[lane], handlers);
  return {
    send: async (lane, message) => {
      await sockets[lane].send(encodeControllerMessage(message));
    },
    close: () => {
      for (const socket of Object.values(sockets)) if (!socket.closed) socket.close();
    },
  };
}

function makeSocket(): Dealer {
  // linger 0: what was not delivered to a dead worker must not keep the controller alive.
  return new Dealer({ linger: 0, maxMessageSize: MAX_MESSAGE_BYTES, sendTimeout: 5_000 });
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
    // A closed socket ends the loop by itself; anything else is a defect and must be heard.
    if (!socket.closed) handlers.onProtocolError(lane, new ProtocolError(String(error), ""));
  }
}
