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
      if (await isLeft(path, self)) await rm(path, { recursive: true, force: true });
    } catch {
      // Another run is tidying too.
    }
  }
}

/** Of a folder without an owner (being made just now) and of another container's nothing is known. */
async function isLeft(path: string, self: ProcessName): Promise<boolean> {
  const text = await readFile(join(path, OWNER_FILE), "utf8");
  const owner = processNameSchema.parse(JSON.parse(text));
  return isSameMachine(owner, self) && !(await runsStill(owner));
}
