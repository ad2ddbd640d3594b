import { packageRoot } from "../base/program.js";
import { ensureEnvironment } from "../python-env/ensure.js";
import { resolveHome } from "../python-env/home.js";
import type { Extra } from "../python-env/state-file.js";
import type { CommandIo } from "./io.js";
import { setupProgress } from "./setup-progress.js";

export interface PreparedEnvironment {
  /** The interpreter that the worker runs in. */
  readonly python: string;
  /** Where the interpreter finds the package falcon_exp. */
  readonly pythonPath: string;
  /** Folder of the converted embedded model; null if the plan does not use it. */
  readonly builtinModelPath: string | null;
  /** Variables that the worker gets on top of this process's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** Provides everything that the worker needs, and makes what is missing. Throws FalconError with exit code `setupFailed`. */
export async function prepareEnvironment(
  io: CommandIo,
  options: {
    readonly python: string | null;
    readonly needsBuiltinModel: boolean;
    readonly extras: readonly Extra[];
  },
): Promise<PreparedEnvironment> {
  const home = resolveHome(io.env, process.platform);
  const progress = setupProgress(io);
  try {
    const { python, pythonPath, builtinModelPath } = await ensureEnvironment({
      ...options,
      home,
      packageRoot: packageRoot(),
      verify: false,
      env: io.env,
      onProgress: progress.onProgress,
    });
    return { python, pythonPath, builtinModelPath, env: { FALCON_EXP_HOME: home, PYTHONPATH: pythonPath } };
  } finally {
    progress.close();
  }
}
