/**
 * The values of one run, from its `summary.json` where that was made from these very records, else from the records: a killed
 * run has no summary, and reading two thousand whole records would take a minute.
 */
import { z } from "zod";
import { MEMORY_METRICS } from "../../metrics/memory.js";
import { LOAD_SUMMARY_METRICS, SUMMARY_METRICS, shapeOf, textMetrics } from "../../metrics/registry.js";
import type { RunPaths } from "../../run/paths.js";
import {
  type RecordedEnvironment,
  type RunRecord,
  recordedEnvironmentSchema,
} from "../../run/record-types.js";
import { readRun } from "../../run/run-data.js";
import type { SmallFiles } from "../../run/small-files.js";
import { pickSurroundings, type Surroundings } from "../compare/environment-diff.js";
import { SUMMARY_SCHEMA_VERSION, summarize } from "../summary.js";
import { RunHeaderReader } from "./run-header.js";

const statistics = z
  .looseObject({
    n: z.number(),
    median: z.number(),
    sd: z.number().nullable().default(null),
    min: z.number(),
    max: z.number(),
  })
  .nullable()
  // Summaries of before the metric was measured lack it.
  .default(null);
const number = z.number().nullable().default(null);
const interval = { ci95_low: z.number().nullable(), ci95_high: z.number().nullable() };

/** Of a scored text: where the metrics of the registry have their values. */
const textShape = Object.fromEntries(
  textMetrics
    .filter(({ shown }) => shown?.history !== undefined)
    .map(({ path: [key, field] }) => [key, z.object({ [field]: z.number(), ...interval }).nullable()]),
);

/** What history takes of `summary.json`; other keys may come and go. */
export const configurationValuesSchema = z.object({
  label: z.string(),
  status: z.string(),
  /** Summaries of before anything could be reused lack it. */
  reused_from: z.looseObject({}).nullable().default(null),
  trials_planned: z.number(),
  trials_completed: z.number(),
  trials_disturbed: z.number().default(0),
  memory_metric: z.enum(MEMORY_METRICS).nullable(),
  ...shapeOf(LOAD_SUMMARY_METRICS, number),
  ...shapeOf(SUMMARY_METRICS, statistics),
  quality: z.array(z.object({ text_id: z.string(), ...textShape })),
});
export type ConfigurationValues = z.infer<typeof configurationValuesSchema>;

export const summaryValuesSchema = z.object({
  schema_version: z.literal(SUMMARY_SCHEMA_VERSION),
  run_id: z.string(),
  configurations: z.array(configurationValuesSchema),
});
export type SummaryValues = z.infer<typeof summaryValuesSchema>;

const environmentFile = z.object({ worker: recordedEnvironmentSchema });

export interface RunValues {
  readonly run: RunRecord;
  readonly surroundings: Surroundings;
  readonly configurations: readonly ConfigurationValues[];
}

/** Reads what summaries lack of runs of one experiment. */
export class RunValuesReader {
  readonly #headers: RunHeaderReader;

  constructor(private readonly files: SmallFiles) {
    this.#headers = new RunHeaderReader(files);
  }

  /**
   * Of a run with a summary of its very records only their first line and environment.json are read, and all records where one
   * of these cannot be used. Throws FalconError `results-schema-newer` and what the reader does.
   */
  async read(paths: RunPaths, summary: SummaryValues | null): Promise<RunValues> {
    return (summary === null ? null : await this.#withSummary(paths, summary)) ?? (await fromRecords(paths));
  }

  async #withSummary(paths: RunPaths, summary: SummaryValues): Promise<RunValues | null> {
    const run = await this.#headers.read(paths.records);
    // Where it is missing the records have it all.
    const environment = environmentFile.safeParse(await this.files.json(paths.environment)).data;
    if (run === null || environment === undefined || summary.run_id !== run.run_id) return null;
    return {
      run,
      surroundings: {
        controller: run.controller,
        falcon_exp_version: run.falcon_exp_version,
        environment: environment.worker as RecordedEnvironment,
      },
      configurations: summary.configurations,
    };
  }
}

async function fromRecords(paths: RunPaths): Promise<RunValues> {
  const { data } = await readRun(paths.folder);
  return {
    run: data.run,
    surroundings: pickSurroundings(data),
    configurations: summarize(data, { comparisons: false }).configurations.map((one) =>
      configurationValuesSchema.parse(one),
    ),
  };
}
