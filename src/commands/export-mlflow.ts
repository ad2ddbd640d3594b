import { dirname, join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { pluralize, safeLine } from "../base/text.js";
import { exportRuns } from "../python-env/mlflow-client.js";
import type { CommandIo } from "./io.js";
import { prepareEnvironment } from "./prepare-environment.js";

export interface MlflowArgs {
  readonly trackingUri?: string;
  readonly mlflowExperiment?: string;
  readonly python?: string;
}

/** `falcon-exp export --to mlflow`: prints a line per run with what was done with it and where it is. */
export async function exportToMlflow(
  io: CommandIo,
  folders: readonly string[],
  args: MlflowArgs,
): Promise<number> {
  const trackingUri = args.trackingUri ?? "";
  if (trackingUri === "") {
    throw new FalconError({
      code: "mlflow-uri-missing",
      message: "No MLflow server given.",
      next: "Give --tracking-uri http://server:5000 or sqlite:///mlflow.db, or set MLFLOW_TRACKING_URI.",
      exitCode: ExitCode.usage,
    });
  }
  const { python, pythonPath } = await prepareEnvironment(io, {
    python: args.python || null,
    needsBuiltinModel: false,
    extras: ["mlflow"],
  });
  io.stderr.write(`Exporting ${pluralize(folders.length, "run")} to MLflow…\n`);
  const runs = await exportRuns({
    python,
    pythonPath,
    env: io.env,
    ...resolveStore(trackingUri, io.cwd),
    experiment: args.mlflowExperiment ?? null,
    folders,
  });
  for (const { action, run_id, experiment, mlflow_run_id } of runs) {
    io.stdout.write(
      `${action} ${safeLine(run_id)} → ${safeLine(experiment)}, run ${safeLine(mlflow_run_id)}\n`,
    );
  }
  return ExitCode.ok;
}

/**
 * A local store's path is relative to the current folder, not to the one in which Python is started. The same holds for its
 * files, which MLflow itself would put into `mlruns` in the folder in which it was started.
 */
function resolveStore(uri: string, cwd: string) {
  const path = /^sqlite:\/\/\/(.+)$/.exec(uri)?.[1];
  if (path === undefined) return { trackingUri: uri, artifactLocation: null };
  const database = resolve(cwd, path);
  return { trackingUri: `sqlite:///${database}`, artifactLocation: join(dirname(database), "mlruns") };
}
