/** The records of a run's tasks as those of one run: every trial once. */
import { pluralize } from "../base/text.js";
import type { Plan } from "../plan/plan-types.js";
import { splitPlan } from "../plan/slices.js";
import { environmentChanges } from "./identity.js";
import { PlanProgress, UNFINISHED } from "./plan-progress.js";
import type { EnvironmentRecord, RunEndRecord, RunFileRecord, RunRecord } from "./record-types.js";

export interface TaskRecords {
  /** `2of4.0`. */
  readonly name: string;
  readonly records: readonly RunFileRecord[];
}

/** What a task recorded of one part of the plan: a reference and all that is compared with it. */
export interface PartOfTask {
  readonly task: TaskRecords;
  /** Of the part alone, in order of writing. */
  readonly records: readonly RunFileRecord[];
  readonly trialsCompleted: number;
  /** `complete`: everything was measured; `over`: nothing is left to do, and something failed; `open`: it was cut off, or goes on. */
  readonly state: "complete" | "over" | "open";
}

export interface MergedPart {
  readonly plan: Plan;
  /** Whose records count; null where no task has begun it. */
  readonly chosen: PartOfTask | null;
  /** Tasks that recorded something of it. */
  readonly tries: number;
}

export interface MergedTasks {
  /** As one process would have recorded them; without a `run_end` while something is left to do. Empty before the first record of all. */
  readonly records: readonly RunFileRecord[];
  readonly parts: readonly MergedPart[];
  /** What was measured more than once, for people. */
  readonly notes: readonly string[];
}

const MOST_HOSTS_NAMED = 3;

/**
 * Of each part the records of one task count, so that a configuration and its reference are of one machine and one process: of the
 * task that measured all of it first; where none did, of the one that got furthest.
 */
export function mergeTasks(plan: Plan, runId: string, tasks: readonly TaskRecords[]): MergedTasks {
  const plans = splitPlan(plan);
  const byTask = tasks.map((task) => ({ task, byPart: dealRecords(plans, task.records) }));
  const notes: string[] = [];
  const parts = plans.map((part): MergedPart => {
    const found = byTask.flatMap(({ task, byPart }) => {
      const records = byPart.get(part);
      return records === undefined ? [] : [describePart(part, task, records)];
    });
    const [chosen = null, ...others] = found.toSorted(compareParts);
    if (chosen !== null) notes.push(...others.flatMap((other) => describeRepeated(chosen, other)));
    return { plan: part, chosen, tries: found.length };
  });
  return { records: joinRecords(plan, runId, tasks, parts), parts, notes };
}

/** What a task recorded of each part, in order of writing. */
function dealRecords(
  parts: readonly Plan[],
  records: readonly RunFileRecord[],
): ReadonlyMap<Plan, readonly RunFileRecord[]> {
  const partOf = new Map(
    parts.flatMap((part) => part.configurations.map(({ worker }) => [worker.id, part] as const)),
  );
  const dealt = new Map<Plan, RunFileRecord[]>();
  for (const record of records) {
    const part = "configuration_id" in record ? partOf.get(record.configuration_id) : undefined;
    if (part === undefined) continue;
    const known = dealt.get(part);
    if (known === undefined) dealt.set(part, [record]);
    else known.push(record);
  }
  return dealt;
}

function describePart(plan: Plan, task: TaskRecords, records: readonly RunFileRecord[]): PartOfTask {
  const progress = new PlanProgress(plan, records);
  const sessions = plan.blocks
    .filter(({ role }) => role === "measure")
    .map((session) => progress.summarizeSession(session));
  const isOver = progress.listRemainingWork(UNFINISHED).length === 0;
  return {
    task,
    records,
    trialsCompleted: sessions.reduce((sum, { trialsCompleted }) => sum + trialsCompleted, 0),
    state: !isOver ? "open" : sessions.every(({ isComplete }) => isComplete) ? "complete" : "over",
  };
}

const STATES: readonly PartOfTask["state"][] = ["complete", "over", "open"];

function compareParts(a: PartOfTask, b: PartOfTask): number {
  const byState = STATES.indexOf(a.state) - STATES.indexOf(b.state);
  if (byState !== 0) return byState;
  // One that was taken for dead and ended later all the same changes nothing.
  if (a.state === "complete") return findLastAt(a.records).localeCompare(findLastAt(b.records), "en");
  return b.trialsCompleted - a.trialsCompleted;
}

function findLastAt(records: readonly RunFileRecord[]): string {
  return records.reduce((last, { at }) => (at > last ? at : last), "");
}

function describeRepeated(chosen: PartOfTask, other: PartOfTask): readonly string[] {
  const key = (record: RunFileRecord) =>
    record.kind === "trial" && record.status === "completed" ? `${record.at} ${record.trial_id}` : null;
  // A task that went on with another's records has copies of them.
  const known = new Set(chosen.records.map(key));
  const repeated = other.records.filter((record) => key(record) !== null && !known.has(key(record)));
  if (repeated.length === 0) return [];
  return [
    `tasks/${other.task.name} measured ${pluralize(repeated.length, "trial")} that do not count: those of tasks/${chosen.task.name} do`,
  ];
}

function joinRecords(
  plan: Plan,
  runId: string,
  tasks: readonly TaskRecords[],
  parts: readonly MergedPart[],
): readonly RunFileRecord[] {
  const run = joinRuns(plan, runId, tasks);
  if (run === null) return [];
  const chosen = new Set(parts.flatMap(({ chosen }) => chosen?.records ?? []));
  // The newest last: the last record tells how long the run has gone on.
  const inOrder = tasks.toSorted((a, b) => findLastAt(a.records).localeCompare(findLastAt(b.records), "en"));
  const environments: EnvironmentRecord[] = [];
  const body = inOrder.flatMap(({ records }) =>
    records.some((record) => chosen.has(record))
      ? records.filter(
          (record) => chosen.has(record) || (record.kind === "environment" && isNew(record, environments)),
        )
      : [],
  );
  const end = joinEnds(run, tasks, parts);
  return [run, ...body, ...(end === null ? [] : [end])];
}

/** Adds it where its machine or software is not that of another. */
function isNew(record: EnvironmentRecord, known: EnvironmentRecord[]): boolean {
  const isKnown = known.some(({ environment }) => {
    const changes = environmentChanges(environment, record.environment);
    return changes.known.length === 0 && changes.unrecorded === null;
  });
  if (!isKnown) known.push(record);
  return !isKnown;
}

function joinRuns(plan: Plan, runId: string, tasks: readonly TaskRecords[]): RunRecord | null {
  const runs = tasks
    .flatMap(({ records }) => records.find((record) => record.kind === "run") ?? [])
    .toSorted((a, b) => a.at.localeCompare(b.at, "en"));
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
  tasks: readonly TaskRecords[],
  parts: readonly MergedPart[],
): RunEndRecord | null {
  const status = joinStatus(tasks, parts);
  if (status === null) return null;
  const at = tasks
    .map(({ records }) => findLastAt(records))
    .reduce((last, one) => (one > last ? one : last), run.at);
  const elapsed_sec = Math.max(0, (Date.parse(at) - Date.parse(run.at)) / 1000);
  return { schema_version: run.schema_version, run_id: run.run_id, at, kind: "run_end", status, elapsed_sec };
}

/** Null while something is left to do that nobody called off. */
function joinStatus(
  tasks: readonly TaskRecords[],
  parts: readonly MergedPart[],
): RunEndRecord["status"] | null {
  const states = parts.map(({ chosen }) => chosen?.state ?? "open");
  if (states.includes("open")) {
    const areAllEnded = tasks.every(({ records }) => records.at(-1)?.kind === "run_end");
    return areAllEnded && parts.every(({ chosen }) => chosen !== null) ? "interrupted" : null;
  }
  return judgeParts(parts);
}

/** How parts ended that are all over. */
export function judgeParts(parts: readonly MergedPart[]): "completed" | "partly_failed" | "all_failed" {
  if (parts.every(({ chosen }) => chosen?.state === "complete")) return "completed";
  return parts.some(({ chosen }) => (chosen?.trialsCompleted ?? 0) > 0) ? "partly_failed" : "all_failed";
}
