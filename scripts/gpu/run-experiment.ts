/** One run through the command line, and what it left, read back. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { RunSummary } from "../../src/analysis/summary.js";
import type { RunOnGpu } from "./experiment-rows.js";

export interface RunRequest {
  readonly root: string;
  readonly python: string;
  readonly experimentFile: string;
  /** Where the run goes, as `--results`. */
  readonly results: string;
  /** Values of `--set`. */
  readonly changes: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Its progress and table go to stderr. Throws where nothing was recorded. */
export async function runExperiment(request: RunRequest): Promise<RunOnGpu & { readonly folder: string }> {
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
  return { summary, folder, ...readRecords(folder), memoryAxes: readMemoryAxes(join(folder, "charts")) };
}

interface SomeRecord {
  readonly kind: string;
  readonly status?: string;
  readonly environment?: { readonly gpus: readonly { readonly uuid: string | null }[] };
  readonly measurement?: { readonly devices: readonly string[] };
}

function readRecords(folder: string): Pick<RunOnGpu, "cards" | "trialDevices"> {
  const records = readFileSync(join(folder, "records.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as SomeRecord);
  const environment = records.find(({ kind }) => kind === "environment")?.environment;
  return {
    cards: (environment?.gpus ?? []).map(({ uuid }) => uuid),
    trialDevices: records.flatMap(({ kind, status, measurement }) =>
      kind === "trial" && status === "completed" && measurement !== undefined ? [measurement.devices] : [],
    ),
  };
}

/** The titles on the left of the charts of one configuration. */
function readMemoryAxes(charts: string): string[] {
  const files = readdirSync(charts).filter((name) => /^article-.*\.vl\.json$/.test(name));
  return files.flatMap((name) =>
    Array.from(
      readFileSync(join(charts, name), "utf8").matchAll(/"title":\s*"(Peak [^"]*)"/g),
      ([, title = ""]) => title,
    ),
  );
}
