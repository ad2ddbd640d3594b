/** The next attempt at a slice of a run: what is left of the slice, and what can be continued of an attempt that was cut off. */
import { hostname } from "node:os";
import { pluralize } from "../base/text.js";
import { describeTaskPlace, taskPlacePath } from "../executor/slurm/slice-records.js";
import type { Plan } from "../plan/plan-types.js";
import { joinParts, type Slice } from "../plan/slices.js";
import { isOpen, judgeParts, type MergedPart } from "../run/merge-tasks.js";
import type { RunPaths } from "../run/paths.js";
import { PlanProgress } from "../run/plan-progress.js";
import { readParts, readTasks } from "../run/read-run-records.js";
import type { RunFileRecord } from "../run/record-types.js";
import { writeResultFile } from "../run/result-file.js";
import type { RunFolder } from "../run/run-folder.js";
import { openTask } from "../run/task-folders.js";
import type { ChosenRun } from "./chosen-run.js";
import type { CommandIo } from "./io.js";

/** The slice of a run that one process finishes alone. */
export const WHOLE: Slice = { index: 0, count: 1 };

export interface TaskChoice {
  readonly run: RunPaths;
  readonly plan: Plan;
  readonly slice: Slice;
  readonly retryFailed: boolean;
  /** Whether to measure from the start what was cut off, even if it could be continued. */
  readonly afresh?: boolean;
}

export interface ChosenTask extends ChosenRun {
  readonly run: RunPaths;
  /** Parts of the slice that are still to be measured, as earlier tasks left them. */
  readonly left: readonly MergedPart[];
  /** What is left, in a sentence. */
  readonly leftText: string;
}

/** Throws FalconError: what the readers throw, `results-write-failed`. */
export async function chooseTask(io: CommandIo, choice: TaskChoice): Promise<ChosenTask> {
  const { run, plan, slice, retryFailed } = choice;
  const { parts: mine } = await readTasks(run, slice);
  const canContinue = (part: MergedPart) =>
    choice.afresh !== true && listCarried(part, hostname()).length > 0;
  const left = mine.filter(
    (part) =>
      isOpen(part) ||
      (part.chosen?.state === "over" && retryFailed) ||
      // Nobody measures all of a part again only for this.
      (part.chosen?.hasFurtherLeft === true && canContinue(part)),
  );
  const task = joinParts(
    plan,
    left.map((part) => part.plan),
  );
  const carried = choice.afresh === true ? [] : left.flatMap((part) => listCarried(part, hostname()));
  const records = await startRecords(run, task, carried);
  let folder: RunFolder | null = null;
  return {
    run,
    left,
    leftText: describeLeft(run, task, mine, left),
    plan: task,
    open: async () => {
      folder = await openTask(run, slice, io.clock);
      const place = describeTaskPlace(hostname(), io.env);
      await writeResultFile(taskPlacePath(folder.paths), `${JSON.stringify(place)}\n`);
      for (const record of records) await folder.records.append(record);
      folder.log.write("info", "task-started", { run_id: run.runId, slice, carried: records.length });
      return folder;
    },
    close: async () => folder?.close(),
    ...(left.length === 0 ? { over: mine.length === 0 ? "completed" : judgeParts(mine) } : {}),
    ...(records.length === 0
      ? {}
      : { earlier: { progress: new PlanProgress(task, records), retryFailed, acceptChanges: false } }),
  };
}

type Carried = NonNullable<MergedPart["chosen"]>;

/**
 * Returns a part that was cut off if this machine can continue it. Only the machine that began it can, and only if it has no GPU:
 * which GPU a task gets is the scheduler's choice, so with GPUs a part is measured from its start.
 */
function listCarried({ chosen }: MergedPart, host: string): readonly Carried[] {
  if (chosen === null) return [];
  const { run, environments } = chosen.task;
  const hasCards = environments.some(({ environment }) => environment.gpus.length > 0);
  return run?.controller.hostname === host && !hasCards ? [chosen] : [];
}

/** The records that a task begins with if it continues the work of others: their records, after a run record of its own. */
export async function startRecords(
  run: RunPaths,
  plan: Plan,
  carried: readonly Carried[],
): Promise<readonly RunFileRecord[]> {
  const tasks = [...new Set(carried.map(({ task }) => task))];
  const first = tasks.flatMap((task) => task.run ?? [])[0];
  if (first === undefined) return [];
  const { header, configurations, blocks } = plan;
  return [
    { ...first, plan: header, configurations: [...configurations], blocks: [...blocks] },
    ...tasks.flatMap(({ environments }) => environments),
    ...(await readParts(run, carried)),
  ];
}

function describeLeft(
  run: RunPaths,
  plan: Plan,
  mine: readonly MergedPart[],
  left: readonly MergedPart[],
): string {
  if (mine.length === 0)
    return `This slice of ${run.folder} is empty: there are fewer references than slices.`;
  if (left.length === 0) return `Nothing is left to measure in this slice of ${run.folder}.`;
  return `${run.folder}: ${pluralize(plan.configurations.length, "configuration")} in this slice, ${pluralize(plan.trials.length, "trial")}.`;
}
