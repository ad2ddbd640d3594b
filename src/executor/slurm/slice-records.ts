/** Reads what tasks have recorded, but only as much of it as following a run needs. */
import { join } from "node:path";
import { z } from "zod";
import type { RunPaths } from "../../run/paths.js";
import { readRunEnd } from "../../run/scan-records.js";
import type { SmallFiles } from "../../run/small-files.js";
import { listTasks, parseTaskName } from "../../run/task-folders.js";
import type { SliceRecords } from "./judge.js";

/** `task.json` in a task's folder: where it ran. */
export const taskPlaceSchema = z.strictObject({
  schema_version: z.literal(1),
  host: z.string(),
  slurm: z.strictObject({ job: z.string(), restart: z.int().min(0) }).nullable(),
});
export type TaskPlace = z.infer<typeof taskPlaceSchema>;

export function taskPlacePath({ folder }: RunPaths): string {
  return join(folder, "task.json");
}

/** Describes where this process runs, according to Slurm's variables. */
export function describeTaskPlace(
  host: string,
  env: Readonly<Record<string, string | undefined>>,
): TaskPlace {
  const { SLURM_ARRAY_JOB_ID: job, SLURM_ARRAY_TASK_ID: task, SLURM_RESTART_COUNT: restart } = env;
  const slurm =
    job === undefined || task === undefined ? null : { job: `${job}_${task}`, restart: Number(restart ?? 0) };
  return { schema_version: 1, host, slurm };
}

/** Returns what each slice has recorded, in order. An attempt that ended uninterrupted left nothing to do in its slice. */
export async function readSliceRecords(
  run: RunPaths,
  count: number,
  files: SmallFiles,
): Promise<readonly SliceRecords[]> {
  const tasks = new Map<number, RunPaths[]>();
  for (const task of await listTasks(run)) {
    const name = parseTaskName(task.runId);
    if (name?.count !== count) continue;
    const known = tasks.get(name.index);
    if (known === undefined) tasks.set(name.index, [task]);
    else known.push(task);
  }
  return Promise.all(
    Array.from({ length: count }, async (_, slice) => {
      const own = tasks.get(slice) ?? [];
      const ends = await Promise.all(own.map(({ records }) => readRunEnd(records, files).catch(() => null)));
      const places = await Promise.all(
        own.map(async (task) => taskPlaceSchema.safeParse(await files.json(taskPlacePath(task))).data),
      );
      return {
        slice,
        wasStopped: ends.at(-1)?.status === "interrupted",
        isOver: ends.some((end) => end !== null && end.status !== "interrupted"),
        restarts: places.flatMap((place) =>
          place?.slurm != null && place.slurm.restart > 0 ? [place.slurm] : [],
        ),
      };
    }),
  );
}
