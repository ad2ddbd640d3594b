/**
 * The figures of one run, from its `summary.json` where that was made from these very records, else from the records: a killed
 * run has no summary, and reading two thousand whole records would take a minute.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { z } from "zod";
import type { RunPaths } from "../../results/paths.js";
import { parseRecords } from "../../results/reader.js";
import {
  type RecordedEnvironment,
  type RunRecord,
  recordedEnvironmentSchema,
} from "../../results/record-types.js";
import { readRun } from "../../results/run-data.js";
import { type Surroundings, surroundingsOf } from "../compare/differences.js";
import { SUMMARY_SCHEMA_VERSION, summarize } from "../summary.js";

const statistics = z
  .looseObject({ n: z.number(), median: z.number(), min: z.number(), max: z.number() })
  .nullable();
const interval = { ci95_low: z.number().nullable(), ci95_high: z.number().nullable() };
const valueWithInterval = z.looseObject({ value: z.number(), ...interval }).nullable();

/** What history takes of `summary.json`; other keys may come and go. */
export const configurationFigures = z.looseObject({
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
    z.looseObject({
      text_id: z.string(),
      ppl_ratio: valueWithInterval,
      kl_divergence: z.looseObject({ mean: z.number(), ...interval }).nullable(),
      top1_agreement: valueWithInterval,
    }),
  ),
});
export type ConfigurationFigures = z.infer<typeof configurationFigures>;

const summaryFigures = z.looseObject({
  schema_version: z.literal(SUMMARY_SCHEMA_VERSION),
  run_id: z.string(),
  configurations: z.array(configurationFigures),
});

const environmentFile = z.looseObject({ worker: recordedEnvironmentSchema });

export interface RunFigures {
  readonly run: RunRecord;
  readonly surroundings: Surroundings;
  readonly configurations: readonly ConfigurationFigures[];
}

/**
 * Null where nothing says what was run. With `hasCurrentSummary` the head of the records, the summary and environment.json are
 * read, and all records only where one of them cannot be used. Throws FalconError `results-schema-newer` and what the reader does.
 */
export async function readRunFigures(
  paths: RunPaths,
  options: { readonly hasCurrentSummary: boolean },
): Promise<RunFigures> {
  return (options.hasCurrentSummary ? fromSummary(paths) : null) ?? (await fromRecords(paths));
}

function fromSummary(paths: RunPaths): RunFigures | null {
  // Plain descriptors: for thousands of small files promises cost more than the reading does.
  const run = readRunRecord(paths.records);
  const summary = readJson(paths.summary, summaryFigures);
  const environment = readJson(paths.environment, environmentFile);
  if (run === null || summary === null || environment === null || summary.run_id !== run.run_id) return null;
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

const CHUNK_BYTES = 16_384;
/** Prompts stand in the first line; beyond this it is cheaper to read on than to be clever. */
const LONGEST_HEAD_BYTES = 4_194_304;

/** The first line of the records; null where it is no run record. */
function readRunRecord(path: string): RunRecord | null {
  const file = openSync(path, "r");
  try {
    let head = Buffer.alloc(0);
    while (head.length < LONGEST_HEAD_BYTES) {
      const buffer = Buffer.alloc(CHUNK_BYTES);
      const bytesRead = readSync(file, buffer, 0, CHUNK_BYTES, head.length);
      head = Buffer.concat([head, buffer.subarray(0, bytesRead)]);
      const newline = head.indexOf(0x0a);
      if (newline === -1 && bytesRead > 0) continue;
      const [first] = parseRecords(head.subarray(0, newline + 1), path).records;
      return first?.kind === "run" ? first : null;
    }
    return null;
  } finally {
    closeSync(file);
  }
}
