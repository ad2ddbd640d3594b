/** Runs an experiment through the command line and reads back what the run left. */

import { join } from "node:path";
import { execa } from "execa";
import { readRecords } from "../../src/run/reader.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import type { RunSummary } from "../../src/run/summary-schema.js";

export interface RunRequest {
  readonly root: string;
  readonly python: string;
  readonly experimentFile: string;
  /** The folder for the run, passed as `--results`. */
  readonly results: string;
  /** Values of `--set`. */
  readonly changes: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface FinishedRun {
  readonly summary: RunSummary;
  readonly folder: string;
  readonly records: readonly RunFileRecord[];
}

/** Runs an experiment. Its progress and table go to stderr. Throws if nothing was recorded. */
export async function runExperiment(request: RunRequest): Promise<FinishedRun> {
  const { root, python, experimentFile, results, changes, env } = request;
  const args = [
    join(root, "bin", "falcon-exp.js"),
    ...["run", experimentFile, "--python", python, "--results", results, "--json"],
    ...changes.flatMap((change) => ["--set", change]),
  ];
  const { stdout, exitCode } = await execa(process.execPath, args, { env, stderr: "inherit", reject: false });
  if (stdout === "") throw new Error(`${experimentFile} left no result (exit code ${exitCode})`);
  const summary = JSON.parse(stdout) as RunSummary;
  const folder = join(results, summary.experiment, summary.run_id);
  const { records } = await readRecords(join(folder, "records.jsonl"));
  return { summary, folder, records };
}
