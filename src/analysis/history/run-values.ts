/**
 * The values of one run, from its `summary.json` where that was made from these very records, else from the records: a killed
 * run has no summary, and reading two thousand whole records would take a minute.
 */

import { z } from "zod";
import { LOAD_SUMMARY_METRICS, SUMMARY_METRICS, shapeOf } from "../../metrics/registry.js";
import type { RunPaths } from "../../run/paths.js";
import {
  type RecordedEnvironment,
  type RunRecord,
  recordedEnvironmentSchema,
} from "../../run/record-types.js";
import { readRun } from "../../run/run-data.js";
import type { SmallFiles } from "../../run/small-files.js";
import {
  type ConfigurationSummary,
  configurationSummarySchema,
  summarySchema,
} from "../../run/summary-schema.js";
import { pickSurroundings, type Surroundings } from "../compare/environment-diff.js";
import { summarize } from "../summary.js";
import { RunHeaderReader } from "./run-header.js";

/** What history takes of `summary.json`. */
export const configurationValuesSchema = configurationSummarySchema.pick({
  label: true,
  status: true,
  reused_from: true,
  trials_planned: true,
  trials_completed: true,
  trials_disturbed: true,
  memory_metric: true,
  ...shapeOf(LOAD_SUMMARY_METRICS, true),
  ...shapeOf(SUMMARY_METRICS, true),
  quality: true,
  fingerprints: true,
  generation_settings: true,
});
export type ConfigurationValues = Pick<ConfigurationSummary, keyof z.infer<typeof configurationValuesSchema>>;

export const summaryValuesSchema = summarySchema
  .pick({ schema_version: true, run_id: true })
  .extend({ configurations: z.array(configurationValuesSchema) });
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
