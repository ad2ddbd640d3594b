/** The controller's end of a session with a remote worker. */
import { randomBytes } from "node:crypto";
import { type curveKeyPair, Dealer } from "zeromq";
import type { Clock } from "../../base/clock.js";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { MAX_MESSAGE_BYTES } from "../../protocol/codec.js";
import { type FromController, type FromHost, fromHostSchema, KEEPALIVE, TICK_SEC } from "./items.js";
import { parseHead, ReliableStream } from "./stream.js";

export interface RemoteAddress {
  /** `tcp://host:port`. */
  readonly address: string;
  /** Public key of the remote end, in ZeroMQ's own notation. */
  readonly serverKey: string;
  readonly keys: ReturnType<typeof curveKeyPair>;
}

export interface ConnectionOptions extends RemoteAddress {
  readonly clock: Clock;
  readonly onItem: (item: FromHost, payload: Buffer | null) => void;
  /**
   * Called about once a second: for how long nothing was heard, and whether something that the other end sent is still missing.
   */
  readonly onTick: (silentSec: number, isBehind: boolean) => void;
}

export interface Connection {
  say(item: FromController, payload?: Uint8Array): void;
  /** Waits until the other end has received everything that was sent, but at most this long; returns whether it has. */
  close(atMostSec: number): Promise<boolean>;
}

export function connect({ address, serverKey, keys, clock, onItem, onTick }: ConnectionOptions): Connection {
  const session = randomBytes(8).toString("hex");
  const socket = new Dealer({
    ...{ linger: 0, maxMessageSize: MAX_MESSAGE_BYTES, ...KEEPALIVE },
    // The stream keeps what is not delivered; the socket itself need not keep more than a moment's worth.
    ...{ sendHighWaterMark: 1000, sendTimeout: 0 },
    ...{ curveServerKey: serverKey, curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey },
  });
  let heardSec = clock.monotonicSec();
  // Messages are sent one after another, because a socket takes only one at a time.
  let sending: Promise<unknown> = Promise.resolve();
  const stream = new ReliableStream({
    session,
    transmit: (frames) => {
      sending = sending.then(() => (socket.closed ? null : socket.send(frames).catch(() => {})));
    },
    onItem: (item, payload) => {
      const known = fromHostSchema.safeParse(item);
      if (known.success) onItem(known.data, payload);
    },
  });
  const timer = setInterval(() => {
    const now = clock.monotonicSec();
    stream.tick(now);
    onTick(now - heardSec, stream.isBehind);
  }, TICK_SEC * 1000);
  timer.unref();
  void (async () => {
    for await (const [frame, payload = null] of socket) {
      const head = parseHead(frame);
      if (head?.session !== session) continue;
      heardSec = clock.monotonicSec();
      stream.hear(head, payload);
    }
  })().catch(() => {});
  socket.connect(address);
  return {
    say: (item, payload) => stream.say(item, payload ?? null),
    close: async (atMostSec) => {
      const until = clock.monotonicSec() + atMostSec;
      while (!stream.isAllHeard && clock.monotonicSec() < until) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      clearInterval(timer);
      await sending;
      if (!socket.closed) socket.close();
      return stream.isAllHeard;
    },
  };
}

/** Throws FalconError `remote-worker-address`. */
export function checkAddress(address: string): string {
  if (/^tcp:\/\/[^\s/]+:\d{1,5}$/.test(address)) return address;
  throw new FalconError({
    code: "remote-worker-address",
    message: `${JSON.stringify(address)} is not a worker's address.`,
    next: "Write it as tcp://HOST:PORT.",
    exitCode: ExitCode.usage,
  });
}
