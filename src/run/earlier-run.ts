/** A run to be resumed: its frozen plan, and the progress that its records show. */
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { readRegularFile } from "../base/files.js";
import { canonicalJson } from "../base/json.js";
import { parsePlan } from "../plan/plan-file.js";
import type { Plan } from "../plan/plan-types.js";
import type { RunPaths } from "./paths.js";
import { PlanProgress } from "./plan-progress.js";
import { type RecordWarning, readRecords } from "./reader.js";
import type { RunEndRecord, RunFileRecord } from "./record-types.js";

export interface EarlierRun {
  readonly plan: Plan;
  readonly progress: PlanProgress;
  /** Null if the controller was killed. */
  readonly end: RunEndRecord | null;
  /** Damaged lines: what they held counts as not measured. */
  readonly warnings: readonly RecordWarning[];
}

/**
 * Reads a run's plan and records. Throws FalconError `resume-plan-unreadable`, `resume-plan-changed`, `results-run-missing`,
 * and the reader's errors.
 */
export async function readEarlierRun(paths: RunPaths): Promise<EarlierRun> {
  const plan = await readPlan(paths);
  const { records, warnings } = await readRecords(paths.records);
  refuseHeadless(records, paths);
  refuseOtherPlan(plan, records, paths);
  const last = records.at(-1);
  return {
    plan,
    progress: new PlanProgress(plan, records),
    end: last?.kind === "run_end" ? last : null,
    warnings,
  };
}

/** Reads the frozen plan. Throws FalconError `resume-plan-unreadable`. */
export async function readPlan(paths: RunPaths): Promise<Plan> {
  try {
    return parsePlan(String(await readRegularFile(paths.plan)));
  } catch (cause) {
    throw new FalconError({
      code: "resume-plan-unreadable",
      message: `The frozen plan cannot be read: ${paths.plan}: ${(cause as Error).message}`,
      next: "Put the plan back as it was, or start a new run.",
      exitCode: ExitCode.resultsFailed,
      cause,
    });
  }
}

/**
 * A run that was killed before its first record has no records at all. If it has others, its first one was damaged or removed.
 */
function refuseHeadless(records: readonly RunFileRecord[], paths: RunPaths): void {
  if (records.length === 0 || records.some((record) => record.kind === "run")) return;
  throw new FalconError({
    code: "results-run-missing",
    message: `${paths.records} has no run record, so there is no telling which run its other records belong to.`,
    next: "Put the file's first line back, or start a new run.",
    exitCode: ExitCode.resultsFailed,
  });
}

/**
 * The run record holds the plan's header and configurations: everything was measured by those, so the plan must still have the
 * same.
 */
function refuseOtherPlan(plan: Plan, records: readonly RunFileRecord[], paths: RunPaths): void {
  const run = records.find((record) => record.kind === "run");
  if (run === undefined) return;
  const [ours, theirs] = [
    canonicalJson([plan.header, plan.configurations]),
    canonicalJson([run.plan, run.configurations]),
  ];
  if (ours === theirs) return;
  throw new FalconError({
    code: "resume-plan-changed",
    message: `${paths.plan} is not the plan that this run was measured with.`,
    next: "Put the plan back as it was, or start a new run.",
    exitCode: ExitCode.resultsFailed,
  });
}
