/** Distributes the parts of a plan over tasks, by how long each part is predicted to take. Pure. */

export interface TaskBounds {
  /** A shorter task is worth neither its wait in the queue nor its start. */
  readonly leastSec: number;
  /** No task takes longer than this, unless a single part does. */
  readonly mostSec: number;
  /** The number of tasks to aim for, as far as the other two bounds allow. */
  readonly wanted: number;
}

/** The indexes of each task's parts. The longest tasks come first, so that they start first. `seconds`: one value per part. */
export function dealByTime(
  seconds: readonly number[],
  { leastSec, mostSec, wanted }: TaskBounds,
): readonly (readonly number[])[] {
  const total = sum(seconds);
  const count = Math.max(1, Math.ceil(total / mostSec), Math.min(wanted, Math.floor(total / leastSec)));
  const tasks = Array.from({ length: Math.min(count, seconds.length) }, (): Task => ({ sec: 0, parts: [] }));
  const longestFirst = seconds.map((sec, part) => ({ sec, part })).sort((a, b) => b.sec - a.sec);
  for (const { sec, part } of longestFirst) {
    const shortest = tasks.reduce((best, task) => (task.sec < best.sec ? task : best));
    const isFull = shortest.parts.length > 0 && shortest.sec + sec > mostSec;
    if (isFull) tasks.push({ sec, parts: [part] });
    else {
      shortest.sec += sec;
      shortest.parts.push(part);
    }
  }
  return joinShort(tasks, { leastSec, mostSec })
    .toSorted((a, b) => b.sec - a.sec)
    .map(({ parts }) => parts.sort((a, b) => a - b));
}

interface Task {
  sec: number;
  parts: number[];
}

/** Joins a task that is too short with the shortest of the others, as long as both together are not too long. */
function joinShort(
  tasks: readonly Task[],
  { leastSec, mostSec }: Pick<TaskBounds, "leastSec" | "mostSec">,
): readonly Task[] {
  const left = tasks.toSorted((a, b) => a.sec - b.sec);
  for (;;) {
    const [shortest, next] = left;
    if (shortest === undefined || next === undefined || shortest.sec >= leastSec) return left;
    if (shortest.sec + next.sec > mostSec) return left;
    const joined = { sec: shortest.sec + next.sec, parts: [...shortest.parts, ...next.parts] };
    left.splice(0, 2);
    const at = left.findIndex(({ sec }) => sec > joined.sec);
    left.splice(at === -1 ? left.length : at, 0, joined);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
