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

/** Between the making of a folder and its owner's note there are milliseconds. */
const OWNERLESS_MS = 3_600_000;
const NAME = /^falcon-exp-[A-Za-z0-9]{6}$/;

/**
 * Removes what a controller left in `base` that was killed together with its worker: folders whose owner is gone. Its
 * sockets are not asked: a forkserver takes any connection for a request, and ends when none comes.
 * Never throws: this is tidying, not a duty.
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
 * Of another container's nothing is known. A folder without an owner is being made just now; an old one that holds nothing is of a
 * controller that ended in that moment.
 */
async function isLeft(path: string, { mtimeMs }: Stats, self: ProcessName): Promise<boolean> {
  const names = await readdir(path);
  if (!names.includes(OWNER_FILE)) return names.length === 0 && Date.now() - mtimeMs > OWNERLESS_MS;
  const text = await readFile(join(path, OWNER_FILE), "utf8");
  const owner = processNameSchema.parse(JSON.parse(text));
  return isSameMachine(owner, self) && !(await runsStill(owner));
}
