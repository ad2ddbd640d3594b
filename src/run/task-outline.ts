/**
 * What must be known about a task's records to merge them with those of others; updated with each record, and keeps no
 * measurements.
 */
import type { Plan } from "../plan/plan-types.js";
import { listFurtherSessions } from "./further-loads.js";
import { PlanProgress, UNFINISHED } from "./plan-progress.js";
import type { EnvironmentRecord, RunFileRecord, RunRecord } from "./record-types.js";

export interface PartOutline {
  readonly plan: Plan;
  /**
   * `complete`: everything that was planned was measured; `over`: nothing of it is left to do, but something failed; `open`: it
   * was cut off, or is in progress.
   */
  readonly state: "complete" | "over" | "open";
  /** Whether loads after the planned rounds were cut off, or are in progress. The ratio is less certain without them. */
  readonly hasFurtherLeft: boolean;
  readonly trialsCompleted: number;
  /** Time of its newest record. */
  readonly lastAt: string;
  /** One key per completed trial, made of its time and id, so that a copy of the record has the same key. */
  readonly measured: readonly string[];
}

interface GrowingPart {
  readonly plan: Plan;
  readonly progress: PlanProgress;
  readonly measured: string[];
  lastAt: string;
}

/** Maps each configuration id to its part of the plan; made once for all tasks. */
export function findParts(parts: readonly Plan[]): ReadonlyMap<string, Plan> {
  return new Map(
    parts.flatMap((part) => part.configurations.map(({ worker }) => [worker.id, part] as const)),
  );
}

export class TaskOutline {
  run: RunRecord | null = null;
  readonly environments: EnvironmentRecord[] = [];
  /** Time of its newest record; empty if there is none. */
  lastAt = "";
  /** Whether its last record is a `run_end`. */
  isEnded = false;
  readonly #parts = new Map<Plan, GrowingPart>();

  constructor(
    /** `2of4.0`. */
    readonly name: string,
    private readonly partOf: ReadonlyMap<string, Plan>,
  ) {}

  add(record: RunFileRecord): void {
    if (record.at > this.lastAt) this.lastAt = record.at;
    this.isEnded = record.kind === "run_end";
    if (record.kind === "run") this.run ??= record;
    if (record.kind === "environment") this.environments.push(record);
    const plan = "configuration_id" in record ? this.partOf.get(record.configuration_id) : undefined;
    if (plan === undefined) return;
    const known = this.#parts.get(plan);
    const part = known ?? { plan, progress: new PlanProgress(plan), measured: [], lastAt: "" };
    if (known === undefined) this.#parts.set(plan, part);
    part.progress.apply(record);
    if (record.at > part.lastAt) part.lastAt = record.at;
    if (record.kind === "trial" && record.status === "completed")
      part.measured.push(`${record.at} ${record.trial_id}`);
  }

  describeParts(): readonly PartOutline[] {
    return [...this.#parts.values()].map(describePart);
  }
}

function describePart({ plan, progress, measured, lastAt }: GrowingPart): PartOutline {
  const planned = plan.blocks
    .filter(({ role }) => role === "measure")
    .map((session) => progress.summarizeSession(session));
  const isOver = progress.listRemainingWork(UNFINISHED).length === 0;
  const asked = isOver ? listFurtherSessions(plan, progress) : [];
  const hasFurtherLeft = asked.some((session) => progress.findRemainingWork(session, UNFINISHED) !== null);
  const further = asked.map((session) => progress.summarizeSession(session));
  const isComplete =
    planned.every((session) => session.isComplete) && further.every(({ failure }) => failure === null);
  return {
    plan,
    measured,
    lastAt,
    trialsCompleted: [...planned, ...further].reduce((sum, { trialsCompleted }) => sum + trialsCompleted, 0),
    state: !isOver ? "open" : isComplete ? "complete" : "over",
    hasFurtherLeft,
  };
}
