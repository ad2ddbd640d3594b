import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { LoadParts } from "../metrics/registry.js";
import type { PlanConfiguration } from "../plan/plan-types.js";
import { environmentChanges } from "./identity.js";
import { RunPaths } from "./paths.js";
import { readRunRecords } from "./read-run-records.js";
import { describeRecordWarning, type RecordWarning } from "./reader.js";
import { findRecordGaps } from "./record-gaps.js";
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
  RecordedProof,
  ResumeRecord,
  ReusedFrom,
  RunEndRecord,
  RunFileRecord,
  RunRecord,
  TaskLossRecord,
  TrialRecord,
  WarmupRecord,
} from "./record-types.js";
import { type ConfigurationState, type ConfigurationStatus, RunState } from "./state.js";

export type { ConfigurationStatus } from "./state.js";

/** Everything recorded about one configuration. */
export interface ConfigurationData {
  readonly plan: PlanConfiguration;
  readonly status: ConfigurationStatus;
  /** The load of the first round, from its newest attempt. */
  readonly load: LoadRecord | null;
  readonly warmups: readonly WarmupRecord[];
  /** In order of running. */
  readonly trials: readonly TrialRecord[];
  /** How many of these trials belong to loads after the planned rounds. */
  readonly furtherTrials: number;
  readonly profile: ProfileRecord | null;
  /** One per text, in the plan's order. */
  readonly quality: readonly QualityRecord[];
  readonly lmEval: LmEvalRecord | null;
  /**
   * How it ended. Each of its rounds counts as its newest attempt ended: of these, one that failed, else a planned one that was
   * cancelled or skipped, else the last.
   */
  readonly outcome: ConfigurationRecord | null;
  /** What the libraries said in any of its rounds, each text once. */
  readonly notices: ConfigurationRecord["notices"];
  /** Seconds of all its rounds, including loads. */
  readonly elapsedSec: number;
  /** The most attempts that one of its rounds took; 1 if nothing was resumed or tried again. */
  readonly attempts: number;
  /** Codes of the failures that ended earlier attempts, each once. */
  readonly earlierFailures: readonly string[];
  /** The earlier run that measured it; null if this run did. */
  readonly reusedFrom: ReusedFrom | null;
}

/** A run's records, grouped. */
export interface RunData {
  readonly run: RunRecord;
  /** The newest one, if the worker had to be restarted; null if it never started. */
  readonly environment: RecordedEnvironment | null;
  /** As planned, in order of running. */
  readonly configurations: readonly ConfigurationData[];
  /** In order of running. */
  readonly driftProbes: readonly DriftProbeRecord[];
  /** End of the whole run; null if the controller was killed, even if only after the run was resumed. */
  readonly end: RunEndRecord | null;
  /** Differences in libraries and machine within the run: "torch 2.12.0 → 2.13.0". */
  readonly environmentChanges: readonly string[];
  /** Tasks that recorded no end, in order of time; none in a run of one process. */
  readonly taskLosses: readonly TaskLossRecord[];
  /** One for each time the run was resumed. */
  readonly resumes: readonly ResumeRecord[];
  /** What the records lack, and what in them could not be used, one sentence each. */
  readonly recordProblems: readonly string[];
  /** Seconds that were spent on the run, all its parts together; null if the controller was killed. */
  readonly elapsedSec: number | null;
}

/** Reads a run from the records in its folder; no other file is needed. */
export async function readRun(
  folder: string,
): Promise<{ data: RunData; warnings: readonly RecordWarning[] }> {
  const paths = new RunPaths(folder);
  const { records, warnings } = await readRunRecords(paths);
  const data = groupRecords(records, paths.records);
  const all = [...warnings, ...data.recordProblems.map((message) => ({ line: null, message }))];
  return { data: { ...data, recordProblems: all.map(describeRecordWarning) }, warnings: all };
}

/** Groups records by configuration. Throws FalconError `results-run-missing` without a run record. */
export function groupRecords(records: readonly RunFileRecord[], source: string): RunData {
  const run = records.find((record) => record.kind === "run");
  if (run === undefined) {
    throw new FalconError({
      code: "results-run-missing",
      message: `${source} has no run record, so it is unknown what was to be measured.`,
      next: "The run was killed before it began; start it again.",
      exitCode: ExitCode.resultsFailed,
    });
  }
  const state = new RunState<RunFileRecord>();
  for (const record of records) state.add(record);
  const { environments, driftProbes, taskLosses, end, resumes } = state;
  return {
    run,
    environment: environments.at(-1)?.environment ?? null,
    configurations: run.configurations
      .toSorted((a, b) => a.index - b.index)
      .map((plan) => describeConfiguration(plan, state.configuration(plan.worker.id), run.plan.rounds)),
    driftProbes,
    end,
    elapsedSec: end === null ? null : state.elapsedSec,
    environmentChanges: environments.flatMap(({ environment }, index) => {
      const before = environments[index - 1]?.environment;
      if (before === undefined) return [];
      const { known, unrecorded } = environmentChanges(before, environment);
      return unrecorded === null ? known : [...known, unrecorded];
    }),
    taskLosses,
    resumes,
    recordProblems: findRecordGaps(state, run),
  };
}

function describeConfiguration(
  plan: PlanConfiguration,
  state: ConfigurationState<RunFileRecord>,
  rounds: number,
): ConfigurationData {
  const { load, warmups, profile, lmEval, attempts, reusedFrom } = state;
  const outcome = state.readOutcome(rounds);
  const code = outcome?.status === "failed" ? outcome.failure.code : null;
  return {
    plan,
    status: state.readStatus(rounds),
    load,
    warmups,
    trials: state.trials.toSorted((a, b) => a.trial_index - b.trial_index),
    furtherTrials: state.countFurtherTrials(rounds),
    profile,
    quality: [...state.quality.values()],
    lmEval,
    outcome,
    notices: joinNotices(state.outcomes),
    elapsedSec: state.outcomes.reduce((sum, { elapsed_sec }) => sum + elapsed_sec, 0),
    attempts,
    earlierFailures: [...new Set(state.failureCodes.filter((earlier) => earlier !== code))],
    reusedFrom,
  };
}

/** Adds up how often the same source said the same. */
function joinNotices(outcomes: readonly ConfigurationRecord[]): ConfigurationRecord["notices"] {
  const joined = new Map<string, ConfigurationRecord["notices"][number]>();
  for (const notice of outcomes.flatMap(({ notices }) => notices)) {
    const key = JSON.stringify([notice.source, notice.text]);
    joined.set(key, { ...notice, count: notice.count + (joined.get(key)?.count ?? 0) });
  }
  return [...joined.values()];
}

/** The trials that completed. */
export function completedTrials(configuration: ConfigurationData): CompletedTrial[] {
  return configuration.trials.filter((trial) => trial.status === "completed");
}

/** The completed trials that were not disturbed. */
export function quietTrials(configuration: ConfigurationData): CompletedTrial[] {
  return completedTrials(configuration).filter(({ disturbed_by }) => disturbed_by.length === 0);
}

/**
 * The trials that times are reported for: the undisturbed ones, or all of them if none was undisturbed, which is said wherever
 * it matters.
 */
export function timedTrials(configuration: ConfigurationData): CompletedTrial[] {
  const quiet = quietTrials(configuration);
  return quiet.length > 0 ? quiet : completedTrials(configuration);
}

/** Why the configuration failed as a whole, else why its first failed trial did; null if nothing failed. */
export function findFailure(configuration: ConfigurationData): Failure | null {
  if (configuration.outcome?.status === "failed") return configuration.outcome.failure;
  const failed = configuration.trials.find((trial) => trial.status === "failed");
  return failed === undefined ? null : failed.failure;
}

/** Whether the configuration completed and nothing in it failed: no trial, no scored text, no lm-eval task, no profile. */
export function isWhole({ status, trials, quality, lmEval, profile }: ConfigurationData): boolean {
  const parts = [...trials, ...quality, lmEval, profile];
  return status === "completed" && parts.every((part) => part?.status !== "failed");
}

/** The proof read after the last trial; null if it was not read. */
export function findProofAfter({ outcome }: Pick<ConfigurationData, "outcome">): RecordedProof | null {
  return outcome?.status === "completed" ? outcome.proof_after : null;
}

/** The proof that counts: of the model that ran, else of the one that was loaded. */
export function findRunningProof(
  configuration: Pick<ConfigurationData, "load" | "outcome">,
): RecordedProof | null {
  return findProofAfter(configuration) ?? configuration.load?.load.proof ?? null;
}

/** The parts of the records from which the metrics of a configuration's load are read. */
export function listLoadParts(configuration: ConfigurationData): LoadParts {
  const { load } = configuration;
  return {
    load: load?.load ?? null,
    proof: load?.load.proof ?? null,
    proof_after: findProofAfter(configuration),
  };
}
