/** Where a plan is measured: on this machine, or by `falcon-exp worker` on another one. */
import { join } from "node:path";
import { falconExpVersion, packageRoot } from "../base/program.js";
import type { LocalExecutorOptions } from "../executor/local.js";
import { needsBuiltinModel } from "../plan/builtin-model.js";
import type { Plan } from "../plan/plan-types.js";
import { workerCodeSha256 } from "../plan/worker-code.js";
import { resolveHome } from "../python-env/home.js";
import { isNothing, listNeeds, offlineVariables, readMark } from "../run/fetched.js";
import type { RunRecord } from "../run/record-types.js";
import { checkAddress } from "../worker/remote/connection.js";
import { ownKeys, readPublicKey } from "../worker/remote/key-files.js";
import { describeRemote, launchRemote } from "../worker/remote/remote-worker.js";
import type { Transport } from "../worker/transport.js";
import { findExtras } from "./find-extras.js";
import type { CommandIo } from "./io.js";
import { refuseMissingFolders } from "./judge-plan.js";
import { prepareEnvironment } from "./prepare-environment.js";

export interface RemoteChoice {
  readonly address: string;
  /** In the form in which `falcon-exp keys` prints it. */
  readonly key: string;
}

export interface PlaceOptions {
  readonly python: string | null;
  readonly transport: Transport;
  readonly remote: RemoteChoice | null;
}

export interface MeasuringPlace {
  readonly executorOptions: (runId: string) => LocalExecutorOptions;
  /** Describes the machine that measures; empty if it is this one. */
  readonly machine: Partial<RunRecord["controller"]>;
  /** Null stands for the run's own folder. */
  readonly logprobsFolder: (runId: string) => string | null;
}

/** Throws FalconError: what making the environment throws, `remote-worker-…`, `key-invalid`. */
export async function findPlace(io: CommandIo, plan: Plan, options: PlaceOptions): Promise<MeasuringPlace> {
  return options.remote === null ? findHere(io, plan, options) : findThere(io, options.remote);
}

async function findHere(
  io: CommandIo,
  plan: Plan,
  { python, transport }: PlaceOptions,
): Promise<MeasuringPlace> {
  refuseMissingFolders(plan);
  const environment = await prepareEnvironment(io, {
    python,
    needsBuiltinModel: needsBuiltinModel(plan),
    extras: await findExtras(plan),
  });
  const env = { ...environment.env, ...readOffline(io, plan) };
  return {
    executorOptions: () => ({
      worker: { pythonPath: environment.python, env, transport },
      builtinModelPath: environment.builtinModelPath,
    }),
    machine: {},
    logprobsFolder: () => null,
  };
}

/** Variables that keep the worker from asking a hub; empty unless all that the plan needs was fetched before. */
function readOffline(io: CommandIo, plan: Plan): Record<string, string> {
  const needs = listNeeds(plan);
  if (isNothing(needs)) return {};
  const mark = readMark(resolveHome(io.env, process.platform), needs, io.env);
  if (mark === null) return {};
  io.stderr.write(`offline: what this experiment needs was fetched on ${mark.fetched_at.slice(0, 10)}\n`);
  return offlineVariables(io.env);
}

/** If models or libraries are missing there, the worker reports it when it is asked for them. */
async function findThere(io: CommandIo, { address, key }: RemoteChoice): Promise<MeasuringPlace> {
  const remote = {
    address: checkAddress(address),
    serverKey: readPublicKey(key),
    keys: await ownKeys(resolveHome(io.env, process.platform)),
  };
  const versions = {
    version: falconExpVersion(),
    workerCodeSha256: await workerCodeSha256(join(packageRoot(), "python")),
  };
  const { hostname, platform, builtin_model_path, folder } = await describeRemote(remote, versions, io.clock);
  io.stderr.write(`Measuring on ${hostname}, at ${address}.\n`);
  return {
    executorOptions: (run) => ({
      worker: { pythonPath: "", env: {}, launch: (to) => launchRemote({ ...remote, run }, to) },
      builtinModelPath: builtin_model_path,
    }),
    machine: { hostname, platform },
    logprobsFolder: (run) => join(folder, run),
  };
}
