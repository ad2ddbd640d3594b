import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { PlanConfiguration } from "../plan/plan-types.js";
import { RunPaths } from "./paths.js";
import { type RecordWarning, readRecords } from "./reader.js";
import type {
  CompletedTrial,
  ConfigurationRecord,
  Failure,
  LmEvalRecord,
  LoadRecord,
  ProfileRecord,
  QualityRecord,
  RecordedEnvironment,
  RunEndRecord,
  RunFileRecord,
  RunRecord,
  SentinelRecord,
  TrialRecord,
  WarmupRecord,
} from "./record-types.js";

/**
 * `completed`, `failed`, `cancelled`, `skipped` as recorded; `interrupted` when it began and its last record is missing (the
 * controller was killed); `not_run` when nothing of it is recorded.
 */
export type ConfigurationStatus = ConfigurationRecord["status"] | "interrupted" | "not_run";

/** Everything recorded about one configuration. */
export interface ConfigurationData {
  readonly plan: PlanConfiguration;
  readonly status: ConfigurationStatus;
  /** Of the first round. */
  readonly load: LoadRecord | null;
  readonly warmups: readonly WarmupRecord[];
  /** In order of running. */
  readonly trials: readonly TrialRecord[];
  readonly profile: ProfileRecord | null;
  /** One a text, in the plan's order. */
  readonly quality: readonly QualityRecord[];
  readonly lmEval: LmEvalRecord | null;
  /** Of its rounds: the one that failed, else the last. */
  readonly outcome: ConfigurationRecord | null;
}

/** A run's records, grouped. */
export interface RunData {
  readonly run: RunRecord;
  /** The newest one, when the worker had to be started anew; null when it never started. */
  readonly environment: RecordedEnvironment | null;
  /** As planned, in order of running. */
  readonly configurations: readonly ConfigurationData[];
  /** In order of running. */
  readonly sentinels: readonly SentinelRecord[];
  /** Null when the controller was killed. */
  readonly end: RunEndRecord | null;
}

/** Reads a run's folder: only `records.jsonl` in it. */
export async function readRun(
  folder: string,
): Promise<{ data: RunData; warnings: readonly RecordWarning[] }> {
  const path = new RunPaths(folder).records;
  const { records, warnings } = await readRecords(path);
  return { data: groupRecords(records, path), warnings };
}

/** Groups records by configuration. Throws FalconError `results-run-missing` without a run record. */
export function groupRecords(records: readonly RunFileRecord[], source: string): RunData {
  const run = records.find((record) => record.kind === "run");
  if (run === undefined) {
    throw new FalconError({
      code: "results-run-missing",
      message: `${source} has no run record, so nothing says what was to be measured.`,
      next: "The run was killed before it began; start it again.",
      exitCode: ExitCode.resultsFailed,
    });
  }
  const environments = records.filter((record) => record.kind === "environment");
  const configurations = run.configurations.toSorted((a, b) => a.index - b.index);
  return {
    run,
    environment: environments.at(-1)?.environment ?? null,
    configurations: configurations.map((plan) => groupConfiguration(plan, records, run.plan.rounds)),
    sentinels: records.filter((record) => record.kind === "sentinel"),
    end: records.findLast((record) => record.kind === "run_end") ?? null,
  };
}

function groupConfiguration(
  plan: PlanConfiguration,
  records: readonly RunFileRecord[],
  rounds: number,
): ConfigurationData {
  const own = records.filter(
    (record) =>
      "configuration_id" in record &&
      record.kind !== "sentinel" &&
      record.configuration_id === plan.worker.id,
  );
  const outcomes = own.filter((record) => record.kind === "configuration");
  const outcome = tellingOutcome(outcomes);
  // What was run again (a resumed run) counts once: as it went the last time.
  const trials = new Map<string, TrialRecord>();
  for (const record of own) if (record.kind === "trial") trials.set(record.trial_id, record);
  const quality = new Map<string, QualityRecord>();
  for (const record of own) if (record.kind === "quality") quality.set(record.text_id, record);
  return {
    plan,
    status: statusOf(own.length, outcomes.length, rounds, outcome),
    load: own.find((record) => record.kind === "load") ?? null,
    warmups: own.filter((record) => record.kind === "warmup"),
    trials: [...trials.values()].sort((a, b) => a.trial_index - b.trial_index),
    profile: own.findLast((record) => record.kind === "profile") ?? null,
    quality: [...quality.values()],
    lmEval: own.findLast((record) => record.kind === "lm_eval") ?? null,
    outcome,
  };
}

/** Of several rounds' outcomes the one that says most: a failure, else an end before its time, else the last. */
function tellingOutcome(outcomes: readonly ConfigurationRecord[]): ConfigurationRecord | null {
  const order: readonly ConfigurationRecord["status"][] = ["failed", "cancelled", "skipped", "completed"];
  for (const status of order) {
    const found = outcomes.findLast((outcome) => outcome.status === status);
    if (found !== undefined) return found;
  }
  return null;
}

function statusOf(
  records: number,
  outcomes: number,
  rounds: number,
  outcome: ConfigurationRecord | null,
): ConfigurationStatus {
  if (records === 0) return "not_run";
  const isCutOff = outcome === null || (outcome.status === "completed" && outcomes < rounds);
  return isCutOff ? "interrupted" : outcome.status;
}

/** The trials that were measured. */
export function completedTrials(configuration: ConfigurationData): CompletedTrial[] {
  return configuration.trials.filter((trial) => trial.status === "completed");
}

/** Why the configuration as a whole failed; else why its first failed trial did; null when nothing failed. */
export function failureOf(configuration: ConfigurationData): Failure | null {
  if (configuration.outcome?.status === "failed") return configuration.outcome.failure;
  const failed = configuration.trials.find((trial) => trial.status === "failed");
  return failed === undefined ? null : failed.failure;
}
