import { once } from "node:events";
import { ExitCode } from "../base/exit-codes.js";
import type { Log } from "../base/log.js";
import { safeLine } from "../base/text.js";
import { startServer } from "../serve/server.js";
import type { CommandIo } from "./io.js";
import { findResultsFolder } from "./results-folder.js";

export interface ServeArgs {
  readonly results: string;
  readonly port: number;
  readonly json: boolean;
}

/** `falcon-exp serve`: serves a page on this machine until Ctrl-C, which is its normal end. */
export async function run(
  io: CommandIo,
  args: ServeArgs,
  target: NodeJS.EventEmitter = process,
): Promise<number> {
  const resultsFolder = await findResultsFolder(args.results, io.cwd);
  const options = { resultsFolder, program: io.program, port: args.port, log: logTo(io.stderr) };
  const server = await startServer(options);
  const unlisten = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const stopped = Promise.race(signals.map((name) => once(target, name, { signal: unlisten.signal })));
  if (args.json) io.stdout.write(`${JSON.stringify({ url: server.url, results: resultsFolder })}\n`);
  else io.stdout.write(`${server.url} shows the runs in ${safeLine(resultsFolder)}; press Ctrl-C to stop.\n`);
  await stopped;
  unlisten.abort();
  await server.close();
  return ExitCode.ok;
}

function logTo(stream: NodeJS.WritableStream): Log {
  return {
    write: (level, event, fields) => {
      const error = fields?.error;
      stream.write(`${level}: ${event}: ${error instanceof Error ? (error.stack ?? error.message) : ""}\n`);
    },
  };
}
