/** Which slices of a run are over, judged by the last record of each attempt, so that little is read however many there are. */
import { systemClock } from "../base/clock.js";
import { mapConcurrent } from "../base/io.js";
import type { RunPaths } from "./paths.js";
import { readRunEnd } from "./scan-records.js";
import { SmallFiles } from "./small-files.js";
import { listTasks, parseTaskName } from "./task-folders.js";

const CONCURRENCY = 32;

/**
 * Whether nothing shows that a slice is yet to end. Also true if tasks of another division into slices have ended, because they
 * may have measured the same parts.
 */
export async function haveAllEnded(
  run: RunPaths,
  { count, parts }: { readonly count: number; readonly parts: number },
): Promise<boolean> {
  const files = new SmallFiles(systemClock);
  const ended = await mapConcurrent(await listTasks(run), CONCURRENCY, async ({ records, runId }) => {
    const name = parseTaskName(runId);
    const end = await readRunEnd(records, files).catch(() => null);
    return name === null || end === null || end.status === "interrupted" ? [] : [name];
  });
  const names = ended.flat();
  const slices = new Set(names.flatMap((name) => (name.count === count ? [name.index] : [])));
  // If there are fewer parts than slices, the last slices are empty and leave no folder.
  return slices.size >= Math.min(count, parts) || names.some((name) => name.count !== count);
}
