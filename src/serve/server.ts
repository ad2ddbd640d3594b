import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { Log } from "../base/log.js";
import { ownProcessName } from "../base/process-name.js";
import { createApp } from "./app.js";
import { readAssets } from "./assets.js";

/** Only this machine can connect: what is measured here, and how, is nobody else's business. */
const HOSTNAME = "127.0.0.1";

export interface ServerOptions {
  /** Absolute path. */
  readonly resultsFolder: string;
  /** The command with which the user calls falcon-exp. */
  readonly program: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly log: Log;
}

export interface RunningServer {
  readonly url: string;
  /** Ends open streams and connections. Safe to call twice. */
  close(): Promise<void>;
}

/** Resolves when the server answers. Throws FalconError `serve-port-unusable`. */
export async function startServer({
  resultsFolder,
  program,
  port,
  log,
}: ServerOptions): Promise<RunningServer> {
  const stop = new AbortController();
  const app = createApp({
    resultsFolder,
    program,
    assets: await readAssets(),
    self: await ownProcessName(),
    log,
    signal: stop.signal,
  });
  const server = createAdaptorServer({ fetch: app.fetch, hostname: HOSTNAME, overrideGlobalObjects: false });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(portUnusable(port, cause)));
    server.listen(port, HOSTNAME, () => resolve());
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${HOSTNAME}:${taken}/`,
    close: async () => {
      stop.abort();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
    },
  };
}

function portUnusable(port: number, cause: Error): FalconError {
  return new FalconError({
    code: "serve-port-unusable",
    message: `Port ${port} of ${HOSTNAME} cannot be used: ${cause.message}`,
    next: "Choose another port, or leave --port out to use any free one.",
    exitCode: ExitCode.usage,
    cause,
  });
}
