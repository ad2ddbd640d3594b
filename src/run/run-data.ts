import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { LoadParts } from "../metrics/registry.js";
import type { PlanConfiguration } from "../plan/plan-types.js";
import { environmentChanges } from "./identity.js";
import { RunPaths } from "./paths.js";
import { type RecordWarning, readRecords } from "./reader.js";
import type {
  CompletedTrial,
  ConfigurationRecord,
  DriftProbeRecord,
  Failure,
  LmEvalRecord,
  LoadRecord,
  ProfileRecord,
  QualityRecord,
  RecordedEnvironment,
  ResumeRecord,
  ReusedFrom,
  RunEndRecord,
  RunFileRecord,
  RunRecord,
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
  /** Of the first round; of its newest attempt. */
  readonly load: LoadRecord | null;
  readonly warmups: readonly WarmupRecord[];
  /** In order of running. */
  readonly trials: readonly TrialRecord[];
  readonly profile: ProfileRecord | null;
  /** One a text, in the plan's order. */
  readonly quality: readonly QualityRecord[];
  readonly lmEval: LmEvalRecord | null;
  /** Of its rounds, each as its newest attempt ended: the one that failed, else the last. */
  readonly outcome: ConfigurationRecord | null;
  /** The most that one of its rounds took; 1 where nothing was resumed or tried again. */
  readonly attempts: number;
  /** Codes of what ended the attempts before, each once. */
  readonly earlierFailures: readonly string[];
  /** Where it was measured, if that was in an earlier run; null where this run measured it. */
  readonly reusedFrom: ReusedFrom | null;
}

/** A run's records, grouped. */
export interface RunData {
  readonly run: RunRecord;
  /** The newest one, when the worker had to be started anew; null when it never started. */
  readonly environment: RecordedEnvironment | null;
  /** As planned, in order of running. */
  readonly configurations: readonly ConfigurationData[];
  /** In order of running. */
  readonly driftProbes: readonly DriftProbeRecord[];
  /** Of the whole run; null when the controller was killed, even if only after the run was resumed. */
  readonly end: RunEndRecord | null;
  /** What of libraries and machine is not the same for all that was measured: "torch 2.12.0 → 2.13.0". */
  readonly environmentChanges: readonly string[];
  /** Each time the run was resumed. */
  readonly resumes: readonly ResumeRecord[];
  /** All the time that was spent on it; null when the controller was killed. */
  readonly elapsedSec: number | null;
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
    driftProbes: records.filter((record) => record.kind === "sentinel"),
    ...summarizeEnd(records),
    environmentChanges: environments.flatMap(({ environment }, index) => {
      const before = environments[index - 1]?.environment;
      if (before === undefined) return [];
      const { known, unrecorded } = environmentChanges(before, environment);
      return unrecorded === null ? known : [...known, unrecorded];
    }),
    resumes: records.filter((record) => record.kind === "resume"),
  };
}

function summarizeEnd(records: readonly RunFileRecord[]): Pick<RunData, "end" | "elapsedSec"> {
  const parts: RunFileRecord[][] = [];
  for (const record of records) {
    if (record.kind === "run" || record.kind === "resume") parts.push([]);
    parts.at(-1)?.push(record);
  }
  const end = parts.at(-1)?.findLast((record) => record.kind === "run_end") ?? null;
  const elapsedSec = parts.reduce((sum, part) => sum + countSeconds(part), 0);
  return { end, elapsedSec: end === null ? null : elapsedSec };
}

/** A part that was killed lasted at least until its last record. A clock that was set back makes no time negative. */
function countSeconds(part: readonly RunFileRecord[]): number {
  const end = part.findLast((record) => record.kind === "run_end");
  if (end !== undefined) return end.elapsed_sec;
  const [first, last] = [part[0], part.at(-1)];
  if (first === undefined || last === undefined) return 0;
  return Math.max(0, (Date.parse(last.at) - Date.parse(first.at)) / 1000);
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
  const { outcomes, attempts, failures } = newestByRound(own);
  const outcome = tellingOutcome([...outcomes.values()]);
  // What was run again (a resumed run) counts once: as it went the last time.
  const trials = new Map<string, TrialRecord>();
  for (const record of own) if (record.kind === "trial") trials.set(record.trial_id, record);
  const quality = new Map<string, QualityRecord>();
  for (const record of own) if (record.kind === "quality") quality.set(record.text_id, record);
  return {
    plan,
    status: decideStatus(own.length, outcomes.size, rounds, outcome),
    load:
      own.findLast((record): record is LoadRecord => record.kind === "load" && record.round === 0) ?? null,
    warmups: own.filter((record) => record.kind === "warmup"),
    trials: [...trials.values()].sort((a, b) => a.trial_index - b.trial_index),
    profile: own.findLast((record) => record.kind === "profile") ?? null,
    quality: [...quality.values()],
    lmEval: own.findLast((record) => record.kind === "lm_eval") ?? null,
    outcome,
    attempts,
    earlierFailures: [...new Set(failures.filter((code) => code !== readCode(outcome)))],
    reusedFrom:
      own.flatMap((record) => ("reused_from" in record ? (record.reused_from ?? []) : []))[0] ?? null,
  };
}

/** How each round ended the last time it was tried; an attempt that began after that was cut off and has no end. */
function newestByRound(records: readonly RunFileRecord[]) {
  const outcomes = new Map<number, ConfigurationRecord>();
  const failures: string[] = [];
  let attempts = 1;
  for (const record of records) {
    if (record.kind === "configuration" && record.status === "failed") failures.push(record.failure.code);
    if (record.kind === "configuration") outcomes.set(record.round, record);
    else if (record.kind === "load" || record.kind === "trial") outcomes.delete(record.round);
    const isCalledOff =
      record.kind === "configuration" && (record.status === "cancelled" || record.status === "skipped");
    if (!isCalledOff && "attempt" in record) attempts = Math.max(attempts, record.attempt);
  }
  return { outcomes, attempts, failures };
}

function readCode(outcome: ConfigurationRecord | null): string | null {
  return outcome?.status === "failed" ? outcome.failure.code : null;
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

function decideStatus(
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
export function findFailure(configuration: ConfigurationData): Failure | null {
  if (configuration.outcome?.status === "failed") return configuration.outcome.failure;
  const failed = configuration.trials.find((trial) => trial.status === "failed");
  return failed === undefined ? null : failed.failure;
}

/** Where the metrics of a configuration's load are. */
export function listLoadParts({ load, outcome }: ConfigurationData): LoadParts {
  return {
    load: load?.load ?? null,
    proof: load?.load.proof ?? null,
    proof_after: outcome?.status === "completed" ? (outcome.proof_after ?? null) : null,
  };
}
