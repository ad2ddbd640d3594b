import { stat } from "node:fs/promises";
import type { RunPaths } from "./paths.js";

/** Longer than most loads; a run that writes nothing for so long is taken for dead. */
const SILENCE_MS = 15 * 60 * 1000;

/** Whether somebody still writes to this run: whether its records or its log changed within a quarter of an hour. */
export async function isWriterAlive(paths: RunPaths): Promise<boolean> {
  const times = await Promise.all(
    [paths.records, paths.log].map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Date.now() - Math.max(...times) < SILENCE_MS;
}
