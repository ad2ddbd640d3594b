/**
 * RunData → the figures of `summary.json`; render/words/summary.ts adds its sentences. Depends on the records alone, so that the
 * same records give the same figures.
 */

import { computeStatistics, type Statistics } from "../base/statistics.js";
import { chooseMemoryMetric } from "../metrics/memory.js";
import {
  LOAD_SUMMARY_METRICS,
  type LoadSummaryKey,
  listTrialValues,
  readLoadMetric,
  SUMMARY_METRICS,
  type SummaryKey,
} from "../metrics/registry.js";
import { countTrialsEach, referenceIdOf } from "../plan/plan-types.js";
import type { Failure } from "../run/record-types.js";
import {
  type ConfigurationData,
  completedTrials,
  findFailure,
  findRunningProof,
  listLoadParts,
  quietTrials,
  type RunData,
  timedTrials,
} from "../run/run-data.js";
import {
  type ConfigurationSummary,
  type FailureSummary,
  type RunSummary,
  SUMMARY_SCHEMA_VERSION,
} from "../run/summary-schema.js";
import type { TaskLoss } from "../run/task-losses.js";
import { bandwidthUtilization, profileSummary } from "./bandwidth.js";
import { type ComparisonFigures, compareWithReference } from "./comparison.js";
import { computeDrift, type DriftFigures } from "./drift.js";
import { estimateCheck } from "./estimate-check.js";
import { INTERVAL } from "./paired-ratio.js";
import { computePercentiles } from "./percentiles.js";
import { summarizeQuality } from "./quality.js";

/** Statistics over the completed trials, one per metric of the registry; null if no trial has the value. */
type TrialStatistics = Readonly<Record<SummaryKey, Statistics | null>>;

/** One number per metric of the registry; null if it was not measured. */
type LoadNumbers = Readonly<Record<LoadSummaryKey, number | null>>;

/** A summary of one configuration without its sentences. */
export type ConfigurationFigures = Omit<ConfigurationSummary, "why" | "remarks" | "against_reference"> & {
  readonly against_reference: ComparisonFigures | null;
};

/** A summary of a run without its sentences. */
export type RunFigures = Omit<RunSummary, "machine_remarks" | "drift" | "configurations"> & {
  readonly drift: DriftFigures | null;
  readonly configurations: readonly ConfigurationFigures[];
};

export interface SummaryOptions {
  /** False if nobody reads the comparison with the reference: its intervals are most of the work. */
  readonly comparisons: boolean;
}

export function summarize(
  data: RunData,
  { comparisons }: SummaryOptions = { comparisons: true },
): RunFigures {
  const { run, end } = data;
  const byId = new Map(data.configurations.map((one) => [one.plan.worker.id, one]));
  const findReference = ({ plan }: ConfigurationData) => byId.get(referenceIdOf(plan, run.plan)) ?? null;
  const trialsEach = countTrialsEach(run.plan, run.prompts.length);
  const configurations = data.configurations.map((configuration) =>
    summarizeConfiguration(configuration, findReference(configuration), {
      trialsEach,
      comparisons,
      environment: data.environment,
      smallestDifference: run.plan.smallest_difference,
      pricePerHour: run.plan.price_per_hour,
    }),
  );
  const total = (key: "trials_planned" | "trials_completed" | "trials_failed") =>
    configurations.reduce((sum, configuration) => sum + configuration[key], 0);
  return {
    schema_version: SUMMARY_SCHEMA_VERSION,
    run_id: run.run_id,
    experiment: run.plan.experiment,
    model_name: run.plan.model_name,
    model_note: run.plan.model_note,
    started_at: run.at,
    falcon_exp_version: run.falcon_exp_version,
    status: end?.status ?? "interrupted",
    elapsed_sec: data.elapsedSec,
    reference_configuration_id: run.plan.reference_configuration_id,
    trials_planned: total("trials_planned"),
    trials_completed: total("trials_completed"),
    trials_failed: total("trials_failed"),
    comparison: { ...INTERVAL, smallest_difference: run.plan.smallest_difference },
    environment_changes: data.environmentChanges,
    record_problems: data.recordProblems,
    task_losses: data.taskLosses.map(
      ({ schema_version: _, run_id: __, kind: ___, ...loss }): TaskLoss => loss,
    ),
    resumes: data.resumes.map(({ at, falcon_exp_version }) => ({ at, falcon_exp_version })),
    drift: computeDrift(data.driftProbes),
    configurations,
  };
}

function summarizeConfiguration(
  configuration: ConfigurationData,
  reference: ConfigurationData | null,
  {
    trialsEach,
    comparisons,
    environment,
    smallestDifference,
    pricePerHour,
  }: SummaryOptions & {
    readonly trialsEach: number;
    readonly environment: RunData["environment"];
    readonly smallestDifference: number;
    readonly pricePerHour: number | null;
  },
): ConfigurationFigures {
  const { plan, load, outcome, trials } = configuration;
  const measurements = completedTrials(configuration).map((trial) => trial.measurement);
  const metric = chooseMemoryMetric(measurements);
  const proof = findRunningProof(configuration);
  const comparison = comparisons
    ? compareWithReference(configuration, reference, { smallestDifference })
    : null;
  const isAuto = outcome?.status === "completed" && outcome.repeats_end !== "as-planned";
  return {
    id: plan.worker.id,
    label: plan.worker.label,
    is_reference: configuration === reference,
    reference_id: reference?.plan.worker.id ?? null,
    axes: plan.axes,
    batch_size: plan.batch_size,
    prompt_tokens: plan.generation.prompt_tokens ?? null,
    depth: plan.generation.depth,
    cache: plan.generation.cache,
    status: configuration.status,
    failure: failureSummary(findFailure(configuration)),
    // With `repeats: auto`, the trials that were measured are the trials that were wanted.
    trials_planned: isAuto ? trials.length : trialsEach + configuration.furtherTrials,
    trials_completed: measurements.length,
    trials_failed: trials.length - measurements.length,
    attempts: configuration.attempts,
    reused_from: configuration.reusedFrom,
    ...summarizeLoad(configuration),
    quantization_effective: proof?.quantization_effective ?? null,
    dtype: proof?.dtype ?? null,
    device_map: proof?.device_map ?? null,
    offloaded: proof?.offloaded ?? null,
    attn_implementation: proof?.attn_implementation ?? null,
    fingerprints: load?.load.fingerprints ?? null,
    generation_settings: measurements[0]?.generation_settings ?? null,
    memory_metric: metric,
    trials_disturbed: measurements.length - quietTrials(configuration).length,
    ...summarizeTrials(configuration),
    ...summarizeLatencies(configuration),
    cost_per_million_tokens: summarizeCost(configuration, pricePerHour),
    estimate: estimateCheck(configuration),
    read_per_token_bytes: proof?.read_per_token_bytes ?? null,
    bandwidth_utilization: bandwidthUtilization(configuration, environment),
    profile: profileSummary(configuration),
    quality: summarizeQuality(configuration, reference),
    lm_eval: configuration.lmEval?.status === "completed" ? configuration.lmEval.measurement.results : [],
    repeats_end: outcome?.status === "completed" ? outcome.repeats_end : null,
    against_reference: comparison,
    notices: [...configuration.notices],
  };
}

function summarizeLoad(configuration: ConfigurationData): LoadNumbers {
  const parts = listLoadParts(configuration);
  return Object.fromEntries(
    LOAD_SUMMARY_METRICS.map((metric) => [metric.key, readLoadMetric(metric, parts)]),
  ) as Record<LoadSummaryKey, number | null>;
}

function summarizeTrials(configuration: ConfigurationData): TrialStatistics {
  const measured = completedTrials(configuration).map(({ measurement }) => measurement);
  const quiet = quietTrials(configuration).map(({ measurement }) => measurement);
  return Object.fromEntries(
    SUMMARY_METRICS.map((metric) => [
      metric.key,
      computeStatistics(listTrialValues(metric, measured, quiet)),
    ]),
  ) as Record<SummaryKey, Statistics | null>;
}

function summarizeLatencies(
  configuration: ConfigurationData,
): Pick<ConfigurationSummary, "ttft_percentiles_sec" | "itl_percentiles_sec"> {
  const timed = timedTrials(configuration).map(({ measurement }) => measurement);
  return {
    ttft_percentiles_sec: computePercentiles(timed.flatMap(({ ttft_sec }) => ttft_sec ?? [])),
    itl_percentiles_sec: computePercentiles(timed.flatMap(({ itl_sec }) => itl_sec)),
  };
}

const SEC_PER_HOUR = 3600;

/** From the time of whole trials, because whoever pays for a machine pays for reading the prompts as well. */
function summarizeCost(configuration: ConfigurationData, pricePerHour: number | null): Statistics | null {
  if (pricePerHour === null) return null;
  return computeStatistics(
    timedTrials(configuration).flatMap(({ measurement: { elapsed_sec, output_tokens } }) =>
      output_tokens === 0 ? [] : [((pricePerHour / SEC_PER_HOUR) * elapsed_sec * 1e6) / output_tokens],
    ),
  );
}

function failureSummary(failure: Failure | null): FailureSummary | null {
  if (failure === null) return null;
  const { code, message, next, phase, exit_code, signal } = failure;
  return { code, message, next, phase, exit_code, signal };
}
