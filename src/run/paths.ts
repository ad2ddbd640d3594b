import { basename, join } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

export const RECORDS_FILE = "records.jsonl";

/** The endings of a chart's three files, in the order they are made. */
export const CHART_ENDINGS = [".vl.json", ".svg", ".png"] as const;
export type ChartEnding = (typeof CHART_ENDINGS)[number];

/** Every path of a run, in one place: `results/<experiment>/<run-id>/…`. */
export class RunPaths {
  constructor(
    /** The run's folder. */
    readonly folder: string,
  ) {}

  /**
   * Returns the paths of a run, given its experiment and its run id. Throws FalconError `results-name-invalid` if a name would
   * lead out of the results folder.
   */
  static of(resultsFolder: string, experiment: string, runId: string): RunPaths {
    return new RunPaths(join(resultsFolder, checkedSegment(experiment), checkedSegment(runId)));
  }

  get runId(): string {
    return basename(this.folder);
  }
  /** The experiment file as given. */
  get experiment(): string {
    return join(this.folder, "experiment.yaml");
  }
  get plan(): string {
    return join(this.folder, "plan.jsonl");
  }
  get environment(): string {
    return join(this.folder, "environment.json");
  }
  /** The source of truth: appended to while the run is in progress, never rewritten. */
  get records(): string {
    return join(this.folder, RECORDS_FILE);
  }
  get csv(): string {
    return join(this.folder, "records.csv");
  }
  /** The same rows as records.csv, with real types and unchanged texts. */
  get parquet(): string {
    return join(this.folder, "records.parquet");
  }
  /** Loss of quality, with one row per configuration and text; exists only if something was scored. */
  get qualityCsv(): string {
    return join(this.folder, "quality.csv");
  }
  get summary(): string {
    return join(this.folder, "summary.json");
  }
  get answers(): string {
    return join(this.folder, "answers.md");
  }
  /** The page for people: one file with everything it needs inside. */
  get html(): string {
    return join(this.folder, "report.html");
  }
  get charts(): string {
    return join(this.folder, "charts");
  }
  chart(name: string, ending: ChartEnding): string {
    return chartPath(this.charts, name, ending);
  }
  /** The reference's log-probabilities; they exist only while the run is in progress, unless keeping them is asked for. */
  get logprobs(): string {
    return join(this.folder, "logprobs");
  }
  get log(): string {
    return join(this.folder, "log.jsonl");
  }
  /** If several processes measure the run, perhaps on several machines: one folder for each of them. */
  get tasks(): string {
    return join(this.folder, "tasks");
  }
  /** Which jobs were submitted to Slurm, and what became of tasks that recorded no end. */
  get slurm(): string {
    return join(this.folder, "slurm.json");
  }
  /** Exists once the run has been cancelled. */
  get slurmCancelled(): string {
    return join(this.folder, "slurm", "cancelled");
  }
  /** Which parts of the plan each slice has; exists only if they were dealt out by how long they take. */
  get slices(): string {
    return join(this.folder, "slices.json");
  }
  /** The folder of a task, laid out like a run's folder. */
  task(name: string): RunPaths {
    return new RunPaths(join(this.tasks, checkedSegment(name)));
  }
  /** Names the process that writes into the folder; exists only while one does, or if it was killed while it did. */
  get lock(): string {
    return join(this.folder, "run.lock");
  }
}

/**
 * Returns the path of one of a chart's files. Throws FalconError `results-name-invalid` if the name would lead out of the
 * folder.
 */
export function chartPath(folder: string, name: string, ending: ChartEnding): string {
  return join(folder, `${checkedSegment(name)}${ending}`);
}

function checkedSegment(name: string): string {
  const isSegment = name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name);
  if (isSegment) return name;
  throw new FalconError({
    code: "results-name-invalid",
    message: `${JSON.stringify(name)} cannot be the name of a file or folder in the results.`,
    next: "Use a name of letters, digits, dots, dashes and underscores.",
    exitCode: ExitCode.resultsFailed,
  });
}
