/** MLflow's own client, in Python: `python -m falcon_exp.results.mlflow_export`. */
import { z } from "zod";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { lastLines, runPython } from "./python-command.js";
import type { Env } from "./types.js";

const exportedRunSchema = z.object({
  run_id: z.string(),
  /** MLflow's experiment. */
  experiment: z.string(),
  mlflow_run_id: z.string(),
  /** `skipped`: it was already there, from the same records. `replaced`: its records have grown since. */
  action: z.enum(["exported", "skipped", "replaced"]),
  configurations: z.int(),
});
export type ExportedRun = z.infer<typeof exportedRunSchema>;

const answerSchema = z.union([
  z.object({ runs: z.array(exportedRunSchema) }),
  z.object({ error: z.object({ code: z.string(), message: z.string(), next: z.string() }) }),
]);

export interface MlflowExport {
  readonly python: string;
  readonly pythonPath: string;
  readonly env: Env;
  readonly trackingUri: string;
  /** Null: one MLflow experiment per falcon-exp experiment. */
  readonly experiment: string | null;
  /** Where files of a new experiment go; null: MLflow decides. */
  readonly artifactLocation: string | null;
  readonly folders: readonly string[];
}

/** Exports runs. Throws FalconError `mlflow-missing`, `mlflow-failed` or one from the client, with exit code `resultsFailed`. */
export async function exportRuns(options: MlflowExport): Promise<readonly ExportedRun[]> {
  const { python, pythonPath, env, trackingUri, experiment, artifactLocation, folders } = options;
  const { stdout, stderr, shortMessage } = await runPython(
    python,
    [
      ...["-m", "falcon_exp.results.mlflow_export", "--tracking-uri", trackingUri],
      ...(experiment === null ? [] : ["--experiment", experiment]),
      ...(artifactLocation === null ? [] : ["--artifact-location", artifactLocation]),
      "--",
      ...folders,
    ],
    { env, pythonPath },
  );
  const answer = parseAnswer(stdout);
  if (answer !== null && "runs" in answer) return answer.runs;
  throw new FalconError({
    exitCode: ExitCode.resultsFailed,
    ...(answer?.error ?? {
      code: "mlflow-failed",
      message: `The export to MLflow ended without an answer: ${lastLines(stderr) || shortMessage}`,
      next: "Check the tracking URI and that its server answers, then export again. Runs that were already exported are skipped.",
    }),
  });
}

function parseAnswer(stdout: string): z.infer<typeof answerSchema> | null {
  try {
    return answerSchema.parse(JSON.parse(stdout));
  } catch {
    return null;
  }
}
