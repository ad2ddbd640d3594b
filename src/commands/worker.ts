/** `falcon-exp worker`: lets a falcon-exp on another machine measure on this one. Runs until it is stopped. */
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, platform, release, tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../base/log.js";
import { falconExpVersion, packageRoot } from "../base/program.js";
import { workerCodeSha256 } from "../plan/worker-code.js";
import { resolveHome } from "../python-env/home.js";
import { checkAddress } from "../worker/remote/connection.js";
import { openHost } from "../worker/remote/host.js";
import { ownKeys, readPublicKey } from "../worker/remote/key-files.js";
import { chooseExitCode } from "./choose-exit-code.js";
import type { CommandIo } from "./io.js";
import { prepareEnvironment } from "./prepare-environment.js";

export interface WorkerArgs {
  readonly listen: string;
  readonly allow: string;
  readonly model: boolean;
  readonly python?: string;
}

/** Throws FalconError: `key-invalid`, `remote-worker-address`, what making the environment throws. */
export async function run(io: CommandIo, args: WorkerArgs): Promise<number> {
  const allowed = readPublicKey(args.allow);
  const listen = checkAddress(args.listen);
  const environment = await prepareEnvironment(io, {
    python: args.python || null,
    needsBuiltinModel: args.model,
    extras: [],
  });
  const folder = await mkdtemp(join(tmpdir(), "falcon-exp-remote-"));
  const host = await openHost({
    listen,
    allowed,
    folder,
    keys: await ownKeys(resolveHome(io.env, process.platform)),
    pythonPath: environment.python,
    env: environment.env,
    hostname: hostname(),
    platform: `${platform()} ${release()}`,
    builtinModelPath: environment.builtinModelPath,
    version: falconExpVersion(),
    workerCodeSha256: await workerCodeSha256(join(packageRoot(), "python")),
    log: stderrLog(io),
    clock: io.clock,
  });
  io.stderr.write(`Listening at ${host.address}. Ctrl-C ends it and any measurement in progress.\n`);
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => resolve(name));
  });
  await host.close();
  await rm(folder, { recursive: true, force: true });
  return chooseExitCode("interrupted", signal);
}

/** Logs what a person who looks after the machine wants to know. */
function stderrLog({ stderr }: CommandIo): Log {
  return {
    write: (level, event, fields) => {
      if (level !== "debug") stderr.write(`${level}: ${event} ${JSON.stringify(fields ?? {})}\n`);
    },
  };
}
