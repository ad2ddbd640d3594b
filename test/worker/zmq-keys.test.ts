import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { Context, curveKeyPair, Dealer, type Event } from "zeromq";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import type { WorkerMessage } from "../../src/protocol/messages.js";
import { type Channel, openChannel } from "../../src/worker/channel.js";
import { LOOPBACK } from "../../src/worker/transport.js";
import { Worker } from "../../src/worker/worker.js";
import { z85 } from "../../src/worker/z85.js";
import { keysForWorker, makeChannelKeys } from "../../src/worker/zmq-keys.js";
import { patientTimeouts } from "../fixtures/plans.js";
import { pythonFolder, testPython } from "../fixtures/python.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const HELLO = {
  v: 1,
  id: "w1",
  parent: null,
  type: "hello",
  body: { pid: 7, worker_version: "x", python_version: "3" },
};

/** Opens a channel that is protected by keys; returns it with the messages heard on it and a promise of the next one. */
async function guardedChannel() {
  const keys = makeChannelKeys();
  const heard: unknown[] = [];
  let resolve: (message: WorkerMessage) => void = () => {};
  const next = new Promise<WorkerMessage>((done) => {
    resolve = done;
  });
  const channel: Channel = await openChannel(
    LOOPBACK,
    {
      onMessage: (_lane, message) => {
        heard.push(message);
        resolve(message);
      },
      onProtocolError: (_lane, error) => heard.push(error),
    },
    keys,
  );
  closers.push(() => channel.close());
  return { keys, heard, next, channel };
}

type Security = Pick<ConstructorParameters<typeof Dealer>[0] & object, never> & Record<string, unknown>;

/** Connects from its own ZeroMQ context and says hello; resolves with the first event that tells how it went. */
async function knock(endpoint: string, security: Security): Promise<string> {
  const socket = new Dealer({ context: new Context(), linger: 0, ...security });
  closers.push(() => socket.close());
  const outcome = (async () => {
    for await (const event of socket.events) {
      const { type } = event as Event;
      if (type === "handshake" || type === "disconnect" || type.startsWith("handshake:error")) return type;
    }
    return "closed";
  })();
  socket.connect(endpoint);
  // Buffered until the handshake succeeds, which never happens for a stranger.
  void socket.send(JSON.stringify(HELLO)).catch(() => {});
  return outcome;
}

const buildClient = (pair: ReturnType<typeof curveKeyPair>, serverKey: string): Security => ({
  curvePublicKey: pair.publicKey,
  curveSecretKey: pair.secretKey,
  curveServerKey: serverKey,
});

test("over tcp a stranger is not heard, whether with keys of his own, a wrong server key or none; the worker is", async () => {
  const { keys, heard, next, channel } = await guardedChannel();
  const serverKey = keys.controller.publicKey;
  const { work, control } = channel.endpoints;
  expect(work).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  expect(await knock(work, buildClient(curveKeyPair(), serverKey))).not.toBe("handshake");
  expect(await knock(control, buildClient(curveKeyPair(), serverKey))).not.toBe("handshake");
  expect(await knock(work, buildClient(keys.worker, curveKeyPair().publicKey))).not.toBe("handshake");
  expect(await knock(work, {})).not.toBe("handshake");
  expect(await knock(work, { plainUsername: "worker", plainPassword: "x" })).not.toBe("handshake");
  expect(heard).toEqual([]);
  expect(await knock(control, buildClient(keys.worker, serverKey))).toBe("handshake");
  await next;
  expect(heard).toEqual([HELLO]);
});

test("two channels of one process do not let in each other's worker", async () => {
  const first = await guardedChannel();
  const second = await guardedChannel();
  const { publicKey } = second.keys.controller;
  expect(await knock(second.channel.endpoints.work, buildClient(first.keys.worker, publicKey))).not.toBe(
    "handshake",
  );
  expect(await knock(second.channel.endpoints.work, buildClient(second.keys.worker, publicKey))).toBe(
    "handshake",
  );
});

test("an endpoint that others can reach is not opened without keys", async () => {
  const handlers = { onMessage: () => {}, onProtocolError: () => {} };
  await expect(openChannel(LOOPBACK, handlers)).rejects.toThrow("needs keys");
});

test.runIf(process.platform === "linux")(
  "the real worker answers over tcp, and its keys are neither in its command line nor in its environment",
  async () => {
    const worker = await Worker.open({
      pythonPath: testPython(),
      env: { PYTHONPATH: pythonFolder },
      timeouts: patientTimeouts,
      clock: systemClock,
      log: silentLog,
      transport: "tcp",
    });
    onTestFinished(() => worker.close());
    expect(worker.isUsable).toBe(true);
    const commandLine = readFileSync(`/proc/${worker.pid}/cmdline`, "utf8").split("\0");
    expect(commandLine.filter((word) => word.startsWith("tcp://127.0.0.1:"))).toHaveLength(2);
    expect(commandLine).toContain("--curve");
    // A Z85 key has 40 characters; apart from paths, no argument is that long.
    expect(commandLine.filter((word) => /^[^/\s]{40}$/.test(word))).toEqual([]);
    expect(readFileSync(`/proc/${worker.pid}/environ`, "utf8")).not.toMatch(/secret_key|curve/i);
    expect((await worker.ask("unload", {})).proof_after).toBeNull();
  },
);

test("keys differ from worker to worker, and the worker is not told the controller's secret", () => {
  const first = makeChannelKeys();
  const second = makeChannelKeys();
  const secrets = [first, second].flatMap(({ controller, worker }) => [
    controller.secretKey,
    worker.secretKey,
  ]);
  expect(new Set(secrets).size).toBe(4);
  expect(keysForWorker(first)).not.toContain(JSON.stringify(first.controller.secretKey).slice(1, -1));
  expect(JSON.parse(keysForWorker(first))).toMatchObject({ secret_key: first.worker.secretKey });
});

test("keys are written as ZeroMQ writes them", () => {
  // The example from ZeroMQ RFC 32.
  const bytes = Uint8Array.from([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]);
  expect(z85(bytes)).toBe("HelloWorld");
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      expect(z85(key)).toMatch(/^[0-9a-zA-Z.:+=^!/*?&<>()[\]{}@%$#-]{40}$/);
    }),
  );
});
