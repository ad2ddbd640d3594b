import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import lockfile from "proper-lockfile";
import writeFileAtomic from "write-file-atomic";
import { setupError } from "./types.js";

/** A lock not renewed for this long belongs to nobody any more; its owner renews it every half of that. */
const STALE_MS = 20_000;
const RETRY_MS = 500;

/** Does `work` while no other set-up of this user runs; `onWait` is told once whom it waits for. */
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
  const options = { lockfilePath: join(home, "setup.lock"), stale: STALE_MS, realpath: false };
  let hasWaited = false;
  try {
    await mkdir(home, { recursive: true });
    for (;;) {
      try {
        const release = await lockfile.lock(home, options);
        await writeFileAtomic(owner, `${process.pid}\n`);
        return release;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      }
      if (!hasWaited) {
        hasWaited = true;
        const pid = await readFile(owner, "utf8").catch(() => "");
        onWait(pid.trim() === "" ? "another set-up" : `another set-up (process ${pid.trim()})`);
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
