/** Divides a run into tasks for Slurm: as many as were asked for, otherwise tasks that are neither too short nor too long. */
import { pluralize } from "../base/text.js";
import { formatSeconds } from "../base/units.js";
import { parseTimeLimit } from "../executor/slurm/time-limit.js";
import type { SlurmSettings } from "../experiment/slurm-schema.js";
import { dealByTime } from "../plan/deal-by-time.js";
import type { Plan } from "../plan/plan-types.js";
import { predictTimes } from "../plan/predict-times.js";
import { splitPlan } from "../plan/slices.js";
import type { DealtSlice } from "../run/deal-file.js";
import { estimatePlan, readLastTimes } from "./estimate-plan.js";
import type { CommandIo } from "./io.js";
import type { RunArgs } from "./run-args.js";

/** Used if nothing tells how long anything takes. Otherwise the number of tasks comes as near to this as their times allow. */
const TASKS = 100;
const LEAST_SEC = 5 * 60;
const MOST_SEC = 60 * 60;
/** The share of a task's time limit that is used, because an earlier run's times are no promise. */
const USED_SHARE = 0.8;

export interface ChosenSlices {
  readonly count: number;
  /** Which parts each task has; null if all tasks have about the same number of loads. */
  readonly dealt: readonly DealtSlice[] | null;
  /** Why there are this many, for people. Null if they were asked for. */
  readonly remark: string | null;
}

export async function chooseSlices(
  io: CommandIo,
  plan: Plan,
  settings: SlurmSettings,
  args: Pick<RunArgs, "python" | "results">,
): Promise<ChosenSlices> {
  const parts = splitPlan(plan);
  const byLoads = (tasks: number) => ({ count: Math.min(tasks, parts.length), dealt: null });
  if (settings.tasks !== undefined) return { ...byLoads(settings.tasks), remark: null };
  const seconds = await predictSeconds(io, plan, parts, args);
  if (seconds === null) {
    const remark = `No earlier run shows how long this takes, so there are at most ${TASKS} tasks with about the same number of loads each (executor.slurm.tasks sets another number).`;
    return { ...byLoads(TASKS), remark };
  }
  const mostSec = limitTask(settings);
  const dealt = dealByTime(seconds, { leastSec: LEAST_SEC, mostSec, wanted: TASKS }).map((own) => ({
    parts: [...own],
    predicted_sec: own.reduce((sum, part) => sum + (seconds[part] ?? 0), 0),
  }));
  return { count: dealt.length, dealt, remark: describeDealt(dealt) };
}

async function predictSeconds(
  io: CommandIo,
  plan: Plan,
  parts: readonly Plan[],
  { python, results }: Pick<RunArgs, "python" | "results">,
): Promise<readonly number[] | null> {
  const last = await readLastTimes(io, plan, results);
  const trials = new Map<string, number>();
  for (const { configuration_id: id } of plan.trials) trials.set(id, (trials.get(id) ?? 0) + 1);
  const known = plan.configurations.flatMap(({ worker: { id, label } }) => {
    const then = last.get(label);
    // More trials take proportionally longer: the load is only a small part of the time, and predicting too much does no harm.
    const share = then === undefined || then.trials === 0 ? 1 : (trials.get(id) ?? 0) / then.trials;
    return then === undefined ? [] : [[id, then.sec * Math.max(1, share)] as const];
  });
  if (known.length === 0) return null;
  // Sizes are needed only for configurations that were never measured; finding them takes Python, which looks at the models.
  const estimates =
    known.length === plan.configurations.length
      ? []
      : await estimatePlan(io, plan, { python: python || null, results, memory: [] });
  const bytes = estimates.flatMap(({ id, estimate }) =>
    estimate === null ? [] : [[id, estimate.total_bytes] as const],
  );
  return predictTimes(parts, { seconds: new Map(known), bytes: new Map(bytes) }).seconds;
}

/**
 * The longest that a task may be planned to take, in seconds. A task is told to stop `signal` seconds before its time limit.
 * `options` come last, so sbatch prefers them.
 */
function limitTask({ time, signal, options }: SlurmSettings): number {
  const own = options.time ?? time;
  const limit = typeof own === "boolean" ? null : parseTimeLimit(own);
  return limit === null ? MOST_SEC : Math.min(MOST_SEC, Math.max(1, USED_SHARE * (limit - signal)));
}

function describeDealt(dealt: readonly DealtSlice[]): string {
  const seconds = dealt.map(({ predicted_sec }) => predicted_sec);
  const [longest, shortest] = [Math.max(...seconds), Math.min(...seconds)].map(formatSeconds);
  const range = longest === shortest ? longest : `${shortest} to ${longest}`;
  return `${pluralize(dealt.length, "task")} of about ${range}, based on the newest run.`;
}
