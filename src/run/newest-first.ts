import { basename, join } from "node:path";
import { FalconError } from "../base/errors.js";
import { RunPaths } from "./paths.js";
import { readRunRecords } from "./read-run-records.js";
import type { RunFileRecord } from "./record-types.js";
import { runFolders } from "./run-folders.js";

/** The records of earlier runs, newest first; read one run at a time, because they may be large. */
export type EarlierRecords = AsyncIterable<readonly RunFileRecord[]>;

/** Older runs say little about today's machine, and reading them takes time. */
const MOST_RUNS = 50;

/**
 * Returns the records of the runs below a folder, newest first. Each run is read when it is asked for, but which runs there are
 * is settled when the promise resolves. Runs that cannot be read are left out.
 */
export async function newestFirst(folder: string): Promise<EarlierRecords> {
  const names = (await runFolders(folder)).toSorted((a, b) => (basename(a) < basename(b) ? 1 : -1));
  return readInTurn(names.slice(0, MOST_RUNS).map((name) => new RunPaths(join(folder, name))));
}

async function* readInTurn(all: readonly RunPaths[]): AsyncGenerator<readonly RunFileRecord[]> {
  for (const paths of all) {
    const found = await readRunRecords(paths).catch((error: unknown) => {
      if (error instanceof FalconError) return null;
      throw error;
    });
    if (found !== null) yield found.records;
  }
}
