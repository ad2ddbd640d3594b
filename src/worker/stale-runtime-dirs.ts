import type { Stats } from "node:fs";
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  isSameMachine,
  ownProcessName,
  type ProcessName,
  processNameSchema,
  runsStill,
} from "../base/process-name.js";
import { OWNER_FILE } from "./runtime-dir.js";

/** Age at which a folder without an owner file counts as left behind: the file follows the folder within milliseconds. */
const OWNERLESS_MS = 3_600_000;
const NAME = /^falcon-exp-[A-Za-z0-9]{6}$/;

/**
 * Removes from `base` the folders whose owner is gone: a controller that was killed together with its worker left them behind.
 * Their sockets are not tried, because a forkserver takes any connection for a request, and ends if none comes. Never throws,
 * because nothing depends on this cleanup.
 */
export async function removeStaleRuntimeDirs(base: string): Promise<void> {
  const self = await ownProcessName();
  const names = await readdir(base).catch(() => []);
  for (const name of names) {
    if (!NAME.test(name)) continue;
    const path = join(base, name);
    try {
      const status = await lstat(path);
      if (!status.isDirectory() || status.uid !== process.getuid?.()) continue;
      if (await isLeft(path, status, self)) await rm(path, { recursive: true, force: true });
    } catch {
      // Another run is tidying too.
    }
  }
}

/**
 * Whether a folder was left behind. Nothing is known about another container's, so it stays. A folder without an owner file is
 * just being made; if it is old and empty, its controller ended at that moment.
 */
async function isLeft(path: string, { mtimeMs }: Stats, self: ProcessName): Promise<boolean> {
  const names = await readdir(path);
  if (!names.includes(OWNER_FILE)) return names.length === 0 && Date.now() - mtimeMs > OWNERLESS_MS;
  const text = await readFile(join(path, OWNER_FILE), "utf8");
  const owner = processNameSchema.parse(JSON.parse(text));
  return isSameMachine(owner, self) && !(await runsStill(owner));
}
