import { basename, join } from "node:path";
import { FalconError } from "../base/errors.js";
import { RunPaths } from "./paths.js";
import { readRunRecords } from "./read-run-records.js";
import type { RunFileRecord } from "./record-types.js";
import { runFolders } from "./run-folders.js";

/** The records of earlier runs, newest first; read one after another, for they may be large. */
export type EarlierRecords = AsyncIterable<readonly RunFileRecord[]>;

/** What is older says little of the machine of today, and reading it takes time. */
const MOST_RUNS = 50;

/**
 * The records of the runs below a folder, newest first, each read when it is asked for; which runs there are is settled
 * when the promise resolves. What cannot be read is left out.
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
