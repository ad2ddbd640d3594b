/**
 * The values of one run. They come from its `summary.json` if that was made from the same records, because reading two thousand
 * runs' records in full would take a minute; else from the records, because a killed run has no summary.
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

/** The part of `summary.json` that `history` uses. */
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

/** Reads the values of runs of one experiment, including what their summaries lack. */
export class RunValuesReader {
  readonly #headers: RunHeaderReader;

  constructor(private readonly files: SmallFiles) {
    this.#headers = new RunHeaderReader(files);
  }

  /**
   * If a run has a summary of the same records, reads only the first line of the records and environment.json; if one of these
   * cannot be used, all of the records. Throws FalconError `results-schema-newer`, and whatever the reader throws.
   */
  async read(paths: RunPaths, summary: SummaryValues | null): Promise<RunValues> {
    return (summary === null ? null : await this.#withSummary(paths, summary)) ?? (await fromRecords(paths));
  }

  async #withSummary(paths: RunPaths, summary: SummaryValues): Promise<RunValues | null> {
    const run = await this.#headers.read(paths.records);
    // If it is missing, the values are read from the records, which hold everything.
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
