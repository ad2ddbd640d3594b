/**
 * The figures of one run, from its `summary.json` where that was made from these very records, else from the records: a killed
 * run has no summary, and reading two thousand whole records would take a minute.
 */
import { z } from "zod";
import type { RunPaths } from "../../run/paths.js";
import {
  type RecordedEnvironment,
  type RunRecord,
  recordedEnvironmentSchema,
} from "../../run/record-types.js";
import { readRun } from "../../run/run-data.js";
import type { SmallFiles } from "../../run/small-files.js";
import { type Surroundings, surroundingsOf } from "../compare/differences.js";
import { SUMMARY_SCHEMA_VERSION, summarize } from "../summary.js";
import { RunHeadReader } from "./run-head.js";

const statistics = z
  .looseObject({ n: z.number(), median: z.number(), min: z.number(), max: z.number() })
  .nullable();
const interval = { ci95_low: z.number().nullable(), ci95_high: z.number().nullable() };
const valueWithInterval = z.object({ value: z.number(), ...interval }).nullable();

/** What history takes of `summary.json`; other keys may come and go. */
export const configurationFigures = z.object({
  label: z.string(),
  status: z.string(),
  /** Summaries of before anything could be reused lack it. */
  reused_from: z.looseObject({}).nullable().default(null),
  trials_planned: z.number(),
  trials_completed: z.number(),
  parameters: z.number().nullable(),
  weights_bytes: z.number().nullable(),
  load_sec: z.number().nullable(),
  memory_metric: z.enum(["peak_memory_allocated_bytes", "peak_rss_bytes"]).nullable(),
  peak_memory_bytes: statistics,
  elapsed_sec: statistics,
  ttft_sec: statistics,
  decode_tokens_per_sec: statistics,
  quality: z.array(
    z.object({
      text_id: z.string(),
      ppl_ratio: valueWithInterval,
      kl_divergence: z.object({ mean: z.number(), ...interval }).nullable(),
      top1_agreement: valueWithInterval,
    }),
  ),
});
export type ConfigurationFigures = z.infer<typeof configurationFigures>;

export const summaryFigures = z.object({
  schema_version: z.literal(SUMMARY_SCHEMA_VERSION),
  run_id: z.string(),
  configurations: z.array(configurationFigures),
});
export type SummaryFigures = z.infer<typeof summaryFigures>;

const environmentFile = z.object({ worker: recordedEnvironmentSchema });

export interface RunFigures {
  readonly run: RunRecord;
  readonly surroundings: Surroundings;
  readonly configurations: readonly ConfigurationFigures[];
}

/** Reads what summaries lack of runs of one experiment. */
export class RunFiguresReader {
  readonly #heads: RunHeadReader;

  constructor(private readonly files: SmallFiles) {
    this.#heads = new RunHeadReader(files);
  }

  /**
   * Of a run with a summary of its very records only their first line and environment.json are read, and all records where one
   * of these cannot be used. Throws FalconError `results-schema-newer` and what the reader does.
   */
  async read(paths: RunPaths, summary: SummaryFigures | null): Promise<RunFigures> {
    return (summary === null ? null : await this.#withSummary(paths, summary)) ?? (await fromRecords(paths));
  }

  async #withSummary(paths: RunPaths, summary: SummaryFigures): Promise<RunFigures | null> {
    const run = await this.#heads.read(paths.records);
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

async function fromRecords(paths: RunPaths): Promise<RunFigures> {
  const { data } = await readRun(paths.folder);
  return {
    run: data.run,
    surroundings: surroundingsOf(data),
    configurations: summarize(data, { comparisons: false }).configurations.map((one) =>
      configurationFigures.parse(one),
    ),
  };
}
