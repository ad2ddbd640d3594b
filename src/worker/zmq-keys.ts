/** CURVE for a worker's sockets: traffic is encrypted, and each side proves to the other that it holds its key. */
import { type Context, curveKeyPair, Reply } from "zeromq";
import { z85 } from "./z85.js";

type CurveKeyPair = ReturnType<typeof curveKeyPair>;

/** Keys of one worker, made for it and never written down. */
export interface ChannelKeys {
  readonly controller: CurveKeyPair;
  readonly worker: CurveKeyPair;
}

export function makeChannelKeys(): ChannelKeys {
  return { controller: curveKeyPair(), worker: curveKeyPair() };
}

/** Returns the keys as they are written to the worker's stdin, because others can read command lines and environments. */
export function keysForWorker({ controller, worker }: ChannelKeys): string {
  return `${JSON.stringify({
    server_public_key: controller.publicKey,
    public_key: worker.publicKey,
    secret_key: worker.secretKey,
  })}\n`;
}

/** Returns the options of a socket that only the holder of the worker's key may talk to. */
export function serverOptions({ controller }: ChannelKeys) {
  return serverOptionsOf(controller.secretKey);
}

/** The same for a socket with this secret key. */
export function serverOptionsOf(secretKey: string) {
  return {
    curveServer: true,
    curveSecretKey: secretKey,
    // Without a domain, libzmq lets in everyone who knows the public key if no handler answers.
    zapDomain: ZAP_DOMAIN,
    zapEnforceDomain: true,
  } as const;
}

const ZAP_DOMAIN = "falcon-exp";
/** Where libzmq looks for the handler, in each context (ZeroMQ RFC 27). */
const ZAP_ENDPOINT = "inproc://zeromq.zap.01";
const ZAP_VERSION = "1.0";

/** Answers libzmq's question, once per handshake, whether a client's key is allowed. Throws if the handler cannot be bound. */
export async function admitOnly(publicKey: string, context: Context): Promise<{ close(): void }> {
  const handler = new Reply({ context, linger: 0 });
  await handler.bind(ZAP_ENDPOINT);
  void answer(handler, publicKey);
  return { close: () => handler.close() };
}

async function answer(handler: Reply, publicKey: string): Promise<void> {
  for await (const [version, request, domain, , , mechanism, credentials] of handler) {
    const isWorker =
      version?.toString() === ZAP_VERSION &&
      domain?.toString() === ZAP_DOMAIN &&
      mechanism?.toString() === "CURVE" &&
      credentials !== undefined &&
      z85(credentials) === publicKey;
    const status = isWorker ? ["200", "OK"] : ["400", "not this worker's key"];
    await handler.send([ZAP_VERSION, request ?? "", ...status, "", ""]);
  }
}
