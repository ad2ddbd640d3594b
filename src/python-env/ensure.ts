import { join } from "node:path";
import { builtinModelFolder, builtinModelProblem, prepareBuiltinModel } from "./builtin-model.js";
import { checkEnvironment, refuseProblems } from "./check.js";
import { withHomeLock } from "./home-lock.js";
import { inspectManaged, makeManaged } from "./managed.js";
import { mendManaged } from "./repair.js";
import type { Extra } from "./state-file.js";
import type { Env, OnSetupProgress } from "./types.js";

export interface EnsureOptions {
  /** The user's cache folder (`resolveHome`). */
  readonly home: string;
  readonly packageRoot: string;
  /** A lab's own interpreter (`--python`, `FALCON_EXP_PYTHON`); null = the managed environment. */
  readonly python: string | null;
  readonly needsBuiltinModel: boolean;
  /** Installed only in the managed environment; a lab installs them in its own environment itself. */
  readonly extras: readonly Extra[];
  /** Whether to check everything that is there and repair it, instead of trusting the steps that were once finished. */
  readonly verify: boolean;
  readonly env: Env;
  readonly onProgress: OnSetupProgress;
}

export interface ReadyEnvironment {
  /** The interpreter that the worker runs in. */
  readonly python: string;
  /** The PYTHONPATH with which it finds falcon_exp. */
  readonly pythonPath: string;
  /** Folder of the converted embedded model. Null if it was not asked for. */
  readonly builtinModelPath: string | null;
  readonly managed: boolean;
}

/**
 * Provides everything that the worker needs: makes what is missing, and changes nothing if nothing is. Throws FalconError
 * with exit code `setupFailed`.
 */
export async function ensureEnvironment(options: EnsureOptions): Promise<ReadyEnvironment> {
  const { home, env, extras, onProgress, needsBuiltinModel, verify } = options;
  const checksums = verify ? "always" : "once";
  const pythonPath = join(options.packageRoot, "python");
  const managed = options.python === null;
  let python = options.python;
  if (python !== null) {
    refuseProblems(python, await checkEnvironment(python, { env, pythonPath, deep: verify }));
  }
  const inspected = await inspectManaged(home, pythonPath, extras);
  const folder = await builtinModelFolder(home, pythonPath);
  const findModelProblem = async () =>
    needsBuiltinModel ? builtinModelProblem(folder, { checksums }) : null;
  const isReady =
    !(managed && verify) &&
    (!managed || inspected.missing.length === 0) &&
    (await findModelProblem()) === null;
  if (!isReady) {
    const onWait = (owner: string) =>
      onProgress({ step: "wait", detail: `waiting for ${owner}`, index: 1, count: 1 });
    await withHomeLock(home, onWait, async () => {
      const make = verify ? mendManaged : makeManaged;
      if (managed) await make({ home, pythonPath, env, extras, onProgress });
      const interpreter = python ?? inspected.python;
      // Another set-up may have made it while this one waited.
      if ((await findModelProblem()) !== null) {
        await prepareBuiltinModel({ python: interpreter, pythonPath, folder, env, onProgress });
      }
    });
  }
  python ??= inspected.python;
  return { python, pythonPath, builtinModelPath: needsBuiltinModel ? folder : null, managed };
}
