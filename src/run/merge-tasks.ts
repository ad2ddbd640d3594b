/** Merges the records of a run's tasks into those of one run, with every trial once. */
import { pluralize } from "../base/text.js";
import type { Plan } from "../plan/plan-types.js";
import { environmentChanges } from "./identity.js";
import {
  type EnvironmentRecord,
  RECORD_SCHEMA_VERSION,
  type RunEndRecord,
  type RunFileRecord,
  type RunRecord,
  type TaskLossRecord,
} from "./record-types.js";
import type { TaskLoss } from "./task-losses.js";
import type { PartOutline, TaskOutline } from "./task-outline.js";

/** What a task recorded of one part of the plan, which is a reference and everything that is compared with it. */
export interface PartOfTask extends PartOutline {
  readonly task: TaskOutline;
}

export interface MergedPart {
  readonly plan: Plan;
  /** The task whose records count; null if no task has begun the part. */
  readonly chosen: PartOfTask | null;
  /** Number of tasks that recorded something of the part. */
  readonly tries: number;
}

export interface MergedTasks {
  /** Tasks that have records that count, in order of time. */
  readonly tasks: readonly TaskOutline[];
  readonly parts: readonly MergedPart[];
  /** Sentences on what was measured more than once. */
  readonly notes: readonly string[];
  /** First record of the whole run; null before any task has recorded anything. */
  readonly run: RunRecord | null;
  /** What became of tasks that recorded no end. */
  readonly losses: readonly TaskLossRecord[];
  /** Last record of the whole run; null while something is left to do. */
  readonly end: RunEndRecord | null;
}

const MOST_HOSTS_NAMED = 3;

/**
 * Merges tasks. For each part, the records of only one task count, so that a configuration and its reference come from one
 * machine and one process. It is the task that was the first to measure all of the part; if none did, the one that got
 * furthest. `parts` are those that are asked for.
 */
export function mergeTasks(
  plan: Plan,
  parts: readonly Plan[],
  runId: string,
  tasks: readonly TaskOutline[],
  losses: readonly TaskLoss[] = [],
): MergedTasks {
  const found = new Map<Plan, PartOfTask[]>();
  for (const task of tasks) {
    for (const outline of task.describeParts()) {
      const known = found.get(outline.plan);
      if (known === undefined) found.set(outline.plan, [{ ...outline, task }]);
      else known.push({ ...outline, task });
    }
  }
  const notes: string[] = [];
  const merged = parts.map((part): MergedPart => {
    const all = found.get(part) ?? [];
    const [chosen = null, ...others] = all.toSorted(compareParts);
    if (chosen !== null) notes.push(...others.flatMap((other) => describeRepeated(chosen, other)));
    return { plan: part, chosen, tries: all.length };
  });
  const chosen = new Set(merged.flatMap(({ chosen: one }) => one?.task ?? []));
  const run = joinRuns(plan, runId, tasks);
  return {
    // The newest comes last, because the last record tells how long the run has gone on.
    tasks: tasks
      .filter((task) => chosen.has(task))
      .toSorted((a, b) => a.lastAt.localeCompare(b.lastAt, "en")),
    parts: merged,
    notes,
    run,
    losses: losses.map((loss) => ({
      schema_version: RECORD_SCHEMA_VERSION,
      run_id: runId,
      kind: "task_loss",
      ...loss,
    })),
    end: run === null ? null : joinEnds(run, tasks, merged),
  };
}

/**
 * Returns a function that tells whether a record of a task counts. It must be called in the order of `tasks`, with each task's
 * records in order.
 */
export function chooseRecords({ parts }: Pick<MergedTasks, "parts">) {
  const owners = new Map<string, TaskOutline>();
  for (const { plan, chosen } of parts) {
    if (chosen === null) continue;
    for (const { worker } of plan.configurations) owners.set(worker.id, chosen.task);
  }
  const environments: EnvironmentRecord[] = [];
  return (task: TaskOutline, record: RunFileRecord): boolean => {
    if (record.kind === "environment") return isNew(record, environments);
    return "configuration_id" in record && owners.get(record.configuration_id) === task;
  };
}

const STATES: readonly PartOfTask["state"][] = ["complete", "over", "open"];

/** Whether a part is still to be measured, as planned. */
export function isOpen({ chosen }: MergedPart): boolean {
  return chosen === null || chosen.state === "open";
}

function compareParts(a: PartOfTask, b: PartOfTask): number {
  const byState = STATES.indexOf(a.state) - STATES.indexOf(b.state);
  if (byState !== 0) return byState;
  if (a.hasFurtherLeft !== b.hasFurtherLeft) return a.hasFurtherLeft ? 1 : -1;
  // The first to complete wins, so a task that was taken for dead and completed later all the same changes nothing.
  if (a.state === "complete" && !a.hasFurtherLeft) return a.lastAt.localeCompare(b.lastAt, "en");
  return b.trialsCompleted - a.trialsCompleted;
}

function describeRepeated(chosen: PartOfTask, other: PartOfTask): readonly string[] {
  // A task that continued another's work has copies of its records.
  const known = new Set(chosen.measured);
  const repeated = other.measured.filter((key) => !known.has(key));
  if (repeated.length === 0) return [];
  return [
    `tasks/${other.task.name} measured ${pluralize(repeated.length, "trial")} that are ignored, because tasks/${chosen.task.name} measured them too`,
  ];
}

/** Whether the record's machine or software differs from all known ones; if so, adds it to them. */
function isNew(record: EnvironmentRecord, known: EnvironmentRecord[]): boolean {
  const isKnown = known.some(({ environment }) => {
    const changes = environmentChanges(environment, record.environment);
    return changes.known.length === 0 && changes.unrecorded === null;
  });
  if (!isKnown) known.push(record);
  return !isKnown;
}

function joinRuns(plan: Plan, runId: string, tasks: readonly TaskOutline[]): RunRecord | null {
  const runs = tasks.flatMap(({ run }) => run ?? []).toSorted((a, b) => a.at.localeCompare(b.at, "en"));
  const [first] = runs;
  if (first === undefined) return null;
  const prompts = new Map(
    plan.trials.map(({ prompt_index, prompt_id, prompt }) => [
      prompt_index,
      { prompt_index, prompt_id, prompt },
    ]),
  );
  return {
    schema_version: first.schema_version,
    run_id: runId,
    at: first.at,
    kind: "run",
    falcon_exp_version: first.falcon_exp_version,
    plan: plan.header,
    configurations: [...plan.configurations],
    blocks: [...plan.blocks],
    prompts: [...prompts.values()],
    controller: {
      ...first.controller,
      hostname: nameHosts(runs.map(({ controller }) => controller.hostname)),
    },
  };
}

function nameHosts(all: readonly string[]): string {
  const hosts = [...new Set(all)].sort();
  const named = hosts.slice(0, MOST_HOSTS_NAMED).join(", ");
  return hosts.length > MOST_HOSTS_NAMED ? `${named} and ${hosts.length - MOST_HOSTS_NAMED} more` : named;
}

function joinEnds(
  run: RunRecord,
  tasks: readonly TaskOutline[],
  parts: readonly MergedPart[],
): RunEndRecord | null {
  const status = joinStatus(tasks, parts);
  if (status === null) return null;
  const at = tasks.reduce((last, { lastAt }) => (lastAt > last ? lastAt : last), run.at);
  const elapsed_sec = Math.max(0, (Date.parse(at) - Date.parse(run.at)) / 1000);
  return { schema_version: run.schema_version, run_id: run.run_id, at, kind: "run_end", status, elapsed_sec };
}

/** Null while something is left to do, unless every part was begun and all tasks have ended: then the run was interrupted. */
function joinStatus(
  tasks: readonly TaskOutline[],
  parts: readonly MergedPart[],
): RunEndRecord["status"] | null {
  if (parts.some(isOpen)) {
    const areAllEnded = tasks.every(({ isEnded }) => isEnded);
    return areAllEnded && parts.every(({ chosen }) => chosen !== null) ? "interrupted" : null;
  }
  return judgeParts(parts);
}

/** How the parts ended, all of which are over. */
export function judgeParts(parts: readonly MergedPart[]): "completed" | "partly_failed" | "all_failed" {
  if (parts.every(({ chosen }) => chosen?.state === "complete")) return "completed";
  return parts.some(({ chosen }) => (chosen?.trialsCompleted ?? 0) > 0) ? "partly_failed" : "all_failed";
}
