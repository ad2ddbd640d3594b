/** Compares what was estimated with what was measured. */

import { computeMedian } from "../base/statistics.js";
import { chooseMemoryMetric } from "../metrics/memory.js";
import { countUnquantizedTokens, estimate } from "../plan/estimate.js";
import type { PlanConfiguration } from "../plan/plan-types.js";
import { canEstimate } from "../quantization/registry.js";
import type { RecordedTrial } from "../run/record-types.js";
import { type ConfigurationData, completedTrials } from "../run/run-data.js";
import type { EstimateCheck } from "../run/summary-schema.js";

/**
 * Estimates from the shape that the worker reported and the real numbers of tokens. Null in old records without a shape, and for
 * a quantization whose size is only known from a load.
 */
export function estimateCheck(configuration: ConfigurationData): EstimateCheck | null {
  const { load, plan } = configuration;
  const shape = load?.load.model_shape ?? null;
  if (load === null || shape === null || !canEstimate(plan.worker.quantization)) return null;
  const measurements = completedTrials(configuration).map((trial) => trial.measurement);
  const { depth } = plan.generation;
  const tokens = (depth ?? 0) + findMost(measurements, countLongestRow);
  const metric = chooseMemoryMetric(measurements);
  const device = metric === "peak_rss_bytes" ? "cpu" : "cuda";
  const { quantization, dtype } = plan.worker;
  const { baseline_rss_bytes: baseline, proof } = load.load;
  const process = baseline === null ? {} : { processBytes: baseline };
  const own = estimate({
    shape,
    quantization,
    dtype,
    tokens,
    batch: plan.batch_size * (plan.generation.num_beams ?? 1),
    device,
    cache: plan.generation.cache,
    unquantizedTokens: countUnquantizedTokens({ depth: depth ?? 0, ...readLongest(measurements) }),
    ...countRoom(plan, measurements),
    ...process,
  });
  const measuredCache = computeMedian(measurements.flatMap(({ cache_bytes }) => cache_bytes ?? []));
  // The same figure as in `fit` and `plan --estimate`, except that the allocator's peak does not include the CUDA context.
  const peak = metric === null ? null : metric === "peak_rss_bytes" ? own.total_bytes : own.allocated_bytes;
  const measuredPeak =
    metric === null ? null : computeMedian(measurements.flatMap((measurement) => measurement[metric] ?? []));
  return {
    weights_bytes: own.weights_bytes,
    peak_memory_bytes: peak,
    weights_ratio: proof.weights_bytes > 0 ? own.weights_bytes / proof.weights_bytes : null,
    kv_cache_bytes: own.kv_cache_bytes,
    kv_cache_ratio: measuredCache === null || measuredCache === 0 ? null : own.kv_cache_bytes / measuredCache,
    peak_memory_ratio:
      peak === null || measuredPeak === null || measuredPeak === 0 ? null : peak / measuredPeak,
  };
}

/**
 * The room of a static cache, which is the same in every trial: for the longest prompt and a whole answer, or for `max_length` and
 * as much padding as the prompts differ (`trial/cache_kinds.py` of the worker).
 */
function countRoom(
  { generation, batch_size }: PlanConfiguration,
  measurements: readonly RecordedTrial[],
): { readonly roomTokens: number } {
  const { depth, max_length, max_new_tokens } = generation;
  const prompts = listRows(measurements).map(({ input_tokens }) => input_tokens);
  const longest = findMost(prompts, (tokens) => tokens);
  const shortest = longest - findMost(prompts, (tokens) => longest - tokens);
  const row =
    max_length === null
      ? longest + (max_new_tokens ?? 0)
      : max_length + (batch_size > 1 ? longest - shortest : 0);
  return { roomTokens: (depth ?? 0) + row };
}

/** The number of tokens in every row, padding included: those of the longest prompt and those of the longest answer. */
function countLongestRow(trial: RecordedTrial): number {
  const { prompt, answer } = readLongest([trial]);
  return prompt + answer;
}

type Tokens = Pick<RecordedTrial, "input_tokens" | "output_tokens">;

function listRows(trials: readonly RecordedTrial[]): readonly Tokens[] {
  return trials.flatMap((trial): readonly Tokens[] => trial.rows ?? [trial]);
}

function readLongest(trials: readonly RecordedTrial[]) {
  const rows = listRows(trials);
  return {
    prompt: findMost(rows, ({ input_tokens }) => input_tokens),
    answer: findMost(rows, ({ output_tokens }) => output_tokens),
  };
}

/** Uses `reduce`, because Math.max(...values) fails with too many arguments. */
function findMost<T>(all: readonly T[], count: (one: T) => number): number {
  return all.reduce((most, one) => Math.max(most, count(one)), 0);
}
