/** Parts of a plan dealt out by how long each is predicted to take. Pure. */

export interface TaskBounds {
  /** Below it a task is worth neither its wait in the queue nor its start. */
  readonly leastSec: number;
  /** A task takes no longer, unless a single part of it does. */
  readonly mostSec: number;
  /** As many tasks as the bounds allow that come nearest to this. */
  readonly wanted: number;
}

/** Numbers of the parts of each task, those that take longest first: they begin first. `seconds`: of each part. */
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

/** What is too short goes to the shortest of the others, while that has room. */
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
