/** A run's summary with its sentences: what `summary.json` holds. */
import { findSpeedReasons } from "../../analysis/bandwidth.js";
import { countInterference, findInterference } from "../../analysis/interference.js";
import { findSlowTrials } from "../../analysis/outliers.js";
import { type ConfigurationFigures, summarize } from "../../analysis/summary.js";
import {
  type ConfigurationData,
  completedTrials,
  findProofAfter,
  findRunningProof,
  type RunData,
  timedTrials,
} from "../../run/run-data.js";
import type { Comparison, ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { describeComparison } from "./comparison.js";
import { describeDrift } from "./drift.js";
import { describeInterference, describeTrialInterference } from "./interference.js";
import { describePrepared } from "./prepared.js";
import { describeAsStored, describeProofShare } from "./quantized-share.js";
import {
  describeAttempts,
  describeDisturbed,
  describeKept,
  describeMissingLibrary,
  describeModelFiles,
  describeRecompiled,
  describeRepacking,
  describeScoring,
  describeSlowTrials,
} from "./remarks.js";
import { explainSpeed } from "./speed.js";

/** The same records give the same bytes, so the order of keys is that of `summary.json`. */
export function writeSummary(data: RunData): RunSummary {
  const { environment_changes, record_problems, task_losses, resumes, drift, configurations, ...figures } =
    summarize(data);
  const byId = new Map(configurations.map((one) => [one.id, one]));
  const { environment, run } = data;
  const devices = run.configurations.map(({ worker }) => worker.device);
  return {
    ...figures,
    machine_remarks: describeInterference(findInterference(environment, devices)),
    environment_changes,
    record_problems,
    task_losses,
    resumes,
    drift: drift === null ? null : { ...drift, sentence: describeDrift(drift) },
    configurations: data.configurations.flatMap((one) => {
      const own = byId.get(one.plan.worker.id);
      const reference = byId.get(own?.reference_id ?? "") ?? null;
      return own === undefined ? [] : [writeConfiguration(own, reference, one, data)];
    }),
  };
}

function writeConfiguration(
  own: ConfigurationFigures,
  reference: ConfigurationFigures | null,
  configuration: ConfigurationData,
  { run, environment }: RunData,
): ConfigurationSummary {
  const { against_reference: comparison, notices, ...figures } = own;
  const smallestDifference = run.plan.smallest_difference;
  let why: string | null = null;
  let against: Comparison | null = null;
  if (comparison !== null && reference !== null) {
    const { basis: _, ...compared } = comparison;
    why = explainSpeed(findSpeedReasons(own, reference, comparison[comparison.judged_by]));
    against = {
      ...compared,
      sentence: describeComparison(comparison, { own, reference, smallestDifference }),
    };
  }
  return {
    ...figures,
    why,
    remarks: listRemarks(configuration, environment),
    against_reference: against,
    notices,
  };
}

function listRemarks(
  configuration: ConfigurationData,
  environment: RunData["environment"],
): readonly string[] {
  const { plan, load } = configuration;
  const completed = completedTrials(configuration);
  return [
    ...describeAttempts(configuration),
    ...describeDisturbed(completed),
    ...describeSlowTrials(findSlowTrials(timedTrials(configuration))),
    ...describeRecompiled(completed),
    ...describeScoring(configuration),
    ...describePrepared(load?.load.prepared_from ?? []),
    ...describeMissingLibrary(plan.worker.quantization, environment),
    ...describeModelFiles(configuration),
    ...describeKept(load?.load.kept_by_workarounds ?? null),
    ...describeProofShare(findRunningProof(configuration)),
    ...describeStoredOrRepacked(configuration),
    ...describeTrialInterference(countInterference(completed.map(({ measurement }) => measurement))),
  ];
}

function describeStoredOrRepacked(configuration: ConfigurationData): readonly string[] {
  const load = configuration.load?.load ?? null;
  const after = findProofAfter(configuration);
  const stored = describeAsStored(
    load?.stored_quantization ?? null,
    load?.proof ?? null,
    findRunningProof(configuration),
  );
  // If the weights were dequantized, that is already why their size changed, so repacking is not mentioned.
  const isUnpacked = after?.matrix_weights_quantized_share === 0;
  return stored.length > 0 && isUnpacked
    ? stored
    : [...stored, ...describeRepacking(load?.proof ?? null, after)];
}
