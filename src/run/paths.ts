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

  /** The folder of a run by its names. Throws FalconError where a name would leave the results folder. */
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
  /** The truth: appended to while running, never rewritten. */
  get records(): string {
    return join(this.folder, RECORDS_FILE);
  }
  get csv(): string {
    return join(this.folder, "records.csv");
  }
  /** As records.csv, with real types and texts as they were. */
  get parquet(): string {
    return join(this.folder, "records.parquet");
  }
  /** What the answers lose: a row a configuration and text; there only where something was scored. */
  get qualityCsv(): string {
    return join(this.folder, "quality.csv");
  }
  get summary(): string {
    return join(this.folder, "summary.json");
  }
  get answers(): string {
    return join(this.folder, "answers.md");
  }
  /** The page for people; one file, with all that it needs inside. */
  get html(): string {
    return join(this.folder, "report.html");
  }
  get charts(): string {
    return join(this.folder, "charts");
  }
  chart(name: string, ending: ChartEnding): string {
    return chartPath(this.charts, name, ending);
  }
  /** The reference's log-probabilities; there only while a run goes on, unless asked for. */
  get logprobs(): string {
    return join(this.folder, "logprobs");
  }
  get log(): string {
    return join(this.folder, "log.jsonl");
  }
  /** Of a run that several processes measure, perhaps on several machines: a folder each. */
  get tasks(): string {
    return join(this.folder, "tasks");
  }
  /** Which jobs were submitted to Slurm, and what became of tasks that left no end. */
  get slurm(): string {
    return join(this.folder, "slurm.json");
  }
  /** There once the run was cancelled. */
  get slurmCancelled(): string {
    return join(this.folder, "slurm", "cancelled");
  }
  /** Which parts of the plan each slice has; there only where they were dealt out by time. */
  get slices(): string {
    return join(this.folder, "slices.json");
  }
  /** The folder of one of them is made like a run's. */
  task(name: string): RunPaths {
    return new RunPaths(join(this.tasks, checkedSegment(name)));
  }
  /** Names the process that writes into the folder; there only while one does, or was killed while it did. */
  get lock(): string {
    return join(this.folder, "run.lock");
  }
}

/** One of a chart's files. Throws FalconError where the name would leave the folder. */
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
