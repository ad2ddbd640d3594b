/**
 * The figures of one run, from its `summary.json` where that was made from these very records, else from the records: a killed
 * run has no summary, and reading two thousand whole records would take a minute.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { RunPaths } from "../../results/paths.js";
import {
  type RecordedEnvironment,
  type RunRecord,
  recordedEnvironmentSchema,
} from "../../results/record-types.js";
import { readRun } from "../../results/run-data.js";
import { type Surroundings, surroundingsOf } from "../compare/differences.js";
import { SUMMARY_SCHEMA_VERSION, summarize } from "../summary.js";
import type { RunHeadReader } from "./run-head.js";

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

/**
 * Of a run with a summary of its very records only their first line and environment.json are read, and all records where one
 * of these cannot be used. Throws FalconError `results-schema-newer` and what the reader does.
 */
export async function readRunFigures(
  paths: RunPaths,
  summary: SummaryFigures | null,
  heads: RunHeadReader,
): Promise<RunFigures> {
  return (summary === null ? null : withSummary(paths, summary, heads)) ?? (await fromRecords(paths));
}

function withSummary(paths: RunPaths, summary: SummaryFigures, heads: RunHeadReader): RunFigures | null {
  // Plain descriptors: for thousands of small files promises cost more than the reading does.
  const run = heads.read(paths.records);
  const environment = readJson(paths.environment, environmentFile);
  if (run === null || environment === null || summary.run_id !== run.run_id) return null;
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

async function fromRecords(paths: RunPaths): Promise<RunFigures> {
  const { data } = await readRun(paths.folder);
  return {
    run: data.run,
    surroundings: surroundingsOf(data),
    configurations: summarize(data).configurations.map((one) => configurationFigures.parse(one)),
  };
}

function readJson<T>(path: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data ?? null;
  } catch {
    // Missing or torn: the records have it all.
    return null;
  }
}
