/**
 * The lock of a run's folder: one controller at a time writes into it, and `run.lock` names that controller for as long as it
 * does.
 */
import { link, open, readFile, rename, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Clock } from "../base/clock.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { readRegularFile } from "../base/files.js";
import { parseJson } from "../base/json.js";
import { isSameMachine, type ProcessName, processNameSchema, runsStill } from "../base/process-name.js";
import { RunPaths } from "./paths.js";
import { writeFailed } from "./writer.js";

const lockOwnerSchema = z.strictObject({ ...processNameSchema.shape, since: z.iso.datetime() });
/** The process that writes, and since when. */
export type LockOwner = z.infer<typeof lockOwnerSchema>;

export interface RunLock {
  /** The owner whose lock was taken over because that process is gone; null if there was none. */
  readonly takenOverFrom: LockOwner | null;
  /** Releases the folder. Safe to call twice, and if the folder is gone. */
  release(): Promise<void>;
}

/** Attempts at a lock that others take and release in the meantime. */
const MOST_ATTEMPTS = 5;
/** Far longer than another process takes from reading a left lock to moving aside what is in its place by then. */
const SETTLE_MS = 100;

/**
 * Locks the folder for this process. A lock whose process is gone is taken over. Throws FalconError `results-locked` with the
 * owner if another process writes, `results-write-failed` if no lock can be made.
 */
export async function lockRun(folder: string, self: ProcessName, clock: Clock): Promise<RunLock> {
  const path = new RunPaths(folder).lock;
  const owner: LockOwner = { ...self, since: clock.now().toISOString() };
  const own = `${path}.${self.pid}.${clock.now().getTime().toString(36)}`;
  const text = `${JSON.stringify(owner)}\n`;
  let takenOverFrom: LockOwner | null = null;
  try {
    await writeWhole(own, text);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      if (await placed(own, path)) {
        if (takenOverFrom === null || (await hasStayed(path, text))) {
          return { takenOverFrom, release: () => release(path, text) };
        }
        continue;
      }
      const found = await readOwner(path);
      if (found === null) continue;
      if (found === "unknown" || !(await isLeft(found, self))) throw locked(folder, path, found);
      await removeLeft(path, `${own}.left`, found);
      takenOverFrom = found;
    }
    throw new Error(`other processes keep taking ${path}`);
  } catch (cause) {
    throw cause instanceof FalconError ? cause : writeFailed(path, cause);
  } finally {
    await rm(own, { force: true }).catch(() => {});
  }
}

/** The process that writes into the folder now; null if none is known to, or if the one that did is gone. */
export async function findLockOwner(folder: string, self: ProcessName): Promise<LockOwner | null> {
  const found = await readOwner(new RunPaths(folder).lock).catch(() => null);
  if (found === null || found === "unknown" || (await isLeft(found, self))) return null;
  return found;
}

/** Whether a run is in progress in the folder. */
export async function isRunning(folder: string, self: ProcessName): Promise<boolean> {
  return (await findLockOwner(folder, self)) !== null;
}

/** `process 4711 on lab3, since 2026-11-24T02:37:46.000Z`. */
export function ownerText(owner: LockOwner): string {
  return `process ${owner.pid} on ${owner.host}, since ${owner.since}`;
}

/** Whether the owner is known to be gone. Nothing is known about a process on another machine, so it counts as running. */
async function isLeft(owner: LockOwner, self: ProcessName): Promise<boolean> {
  // After a restart of this machine, none of its earlier processes is left.
  if (owner.host === self.host && owner.boot_id !== self.boot_id) return true;
  return isSameMachine(owner, self) && !(await runsStill(owner));
}

/** Null if there is no lock; `unknown` if the lock does not tell whose it is. */
async function readOwner(path: string): Promise<LockOwner | "unknown" | null> {
  let text: string;
  try {
    text = String(await readRegularFile(path));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
  return lockOwnerSchema.safeParse(parseJson(text)).data ?? "unknown";
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Gives the file the lock's name and returns true, unless the name is taken. A hard link does this in one step, on network
 * disks as well.
 */
async function placed(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      // If a network disk made the link but its answer was lost, it is asked again and finds the link there.
      return (await readText(path)) === (await readFile(own, "utf8"));
    }
    // Some file systems have no hard links.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
    return await writeWhole(path, await readFile(own, "utf8")).then(
      () => true,
      (failed: NodeJS.ErrnoException) => {
        if (failed.code === "EEXIST") return false;
        throw failed;
      },
    );
  }
}

/**
 * Whether our lock is still there. Another process that read the left lock as well may have moved ours aside instead, and a third
 * one may have taken the place before ours was put back.
 */
async function hasStayed(path: string, text: string): Promise<boolean> {
  await delay(SETTLE_MS);
  return (await readText(path)) === text;
}

/** Removes a lock whose owner is gone. Moves it aside first, because another process may have taken it over since it was read. */
async function removeLeft(path: string, aside: string, expected: LockOwner): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const found = await readOwner(aside);
  const isAnothers = found !== null && JSON.stringify(found) !== JSON.stringify(expected);
  if (isAnothers) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

/** Null if the file cannot be read. */
async function readText(path: string): Promise<string | null> {
  return readRegularFile(path).then(String, () => null);
}

async function release(path: string, text: string): Promise<void> {
  const there = await readText(path);
  if (there === text) await rm(path, { force: true });
}

function locked(folder: string, path: string, owner: LockOwner | "unknown"): FalconError {
  return new FalconError({
    code: "results-locked",
    message: `Another process is writing to ${folder}: ${owner === "unknown" ? "its lock does not say which one" : ownerText(owner)}.`,
    next: `Wait for it, or end that process; if it is gone for certain, remove ${path}.`,
    exitCode: ExitCode.resultsFailed,
  });
}
