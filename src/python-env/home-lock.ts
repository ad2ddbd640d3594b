import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import lockfile from "proper-lockfile";
import { makeFolders } from "../base/files.js";
import { writeWholeFile } from "../base/io.js";
import { setupError } from "./types.js";

/** A lock that was not renewed for this long no longer has an owner; an owner renews its lock every half of this time. */
const STALE_MS = 20_000;
const RETRY_MS = 500;

/** Does `work` while no other set-up of this user runs; if it must wait, `onWait` is called once with what it waits for. */
export async function withHomeLock<T>(
  home: string,
  onWait: (owner: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const release = await acquire(home, onWait);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(home: string, onWait: (owner: string) => void): Promise<() => Promise<void>> {
  const owner = join(home, "setup.owner");
  const lock = join(home, "setup.lock");
  let hasWaited = false;
  try {
    await makeFolders(home);
    for (;;) {
      try {
        const release = await lockfile.lock(home, { lockfilePath: lock, stale: STALE_MS, realpath: false });
        await writeWholeFile(owner, `${process.pid}\n`);
        return release;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      }
      const pid = Number.parseInt(await readFile(owner, "utf8").catch(() => ""), 10);
      if (await isLeftByDead(lock, owner, pid)) {
        await rm(lock, { recursive: true, force: true });
        continue;
      }
      if (!hasWaited) {
        hasWaited = true;
        onWait(Number.isNaN(pid) ? "another set-up" : `another set-up (process ${pid})`);
      }
      await delay(RETRY_MS);
    }
  } catch (cause) {
    throw setupError({
      code: "setup-lock-failed",
      message: `The cache folder ${home} cannot be used: ${(cause as Error).message}`,
      next: "Check its permissions, or name another folder with FALCON_EXP_HOME.",
      cause,
    });
  }
}

/** Whether the lock's owner was killed, so that there is no need to wait until the lock is stale. */
async function isLeftByDead(lock: string, owner: string, pid: number): Promise<boolean> {
  if (Number.isNaN(pid) || isRunning(pid)) return false;
  try {
    // A note that is older than the lock is from an earlier owner; the new one is about to write its own.
    return (await stat(owner)).mtimeMs >= (await stat(lock)).birthtimeMs;
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
