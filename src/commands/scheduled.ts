/** Starts a scheduled run: never beside another one of its experiment, and on a quiet machine. A missed run is recorded. */
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { ownProcessName } from "../base/process-name.js";
import { lockRun, type RunLock } from "../run/run-lock.js";
import { writeFailed } from "../run/writer.js";
import type { CommandIo } from "./io.js";

/** Each line says which run was missed, and why. */
export const MISSED_FILE = "missed.jsonl";
/** As much as a machine's usual services need; above this, trials count as disturbed. */
const MOST_BUSY_SHARE = 0.1;
const SAMPLE_SEC = 5;

export interface Scheduled {
  /** `results/<experiment>`. */
  readonly folder: string;
  /** How long to wait at most for a quiet machine; if undefined, whether it is quiet is not checked. */
  readonly waitQuietSec?: number | undefined;
  /** The busy share of all cores. */
  readonly sampleBusyShare: (seconds: number) => Promise<number>;
}

/**
 * Until the lock is released, no other scheduled run of the experiment begins. Throws FalconError `schedule-missed`,
 * `results-write-failed`.
 */
export async function beginScheduled(io: CommandIo, scheduled: Scheduled): Promise<RunLock> {
  const { folder, waitQuietSec } = scheduled;
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw writeFailed(folder, cause);
  });
  const lock = await lockRun(folder, await ownProcessName(), io.clock).catch(async (error: unknown) => {
    if (!(error instanceof FalconError && error.code === "results-locked")) throw error;
    throw await missed(io, folder, "another-run", `The previous run is still running: ${error.message}`);
  });
  try {
    if (waitQuietSec !== undefined) await waitForQuiet(io, scheduled, waitQuietSec);
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function waitForQuiet(
  io: CommandIo,
  { folder, sampleBusyShare }: Scheduled,
  limitSec: number,
): Promise<void> {
  const until = io.clock.monotonicSec() + limitSec;
  for (;;) {
    const share = await sampleBusyShare(SAMPLE_SEC);
    if (share <= MOST_BUSY_SHARE) return;
    if (io.clock.monotonicSec() < until) continue;
    const busy = `${(share * 100).toFixed(0)} % of the machine was busy`;
    throw await missed(io, folder, "machine-busy", `After waiting ${limitSec} s, ${busy}.`);
  }
}

const NEXT = {
  "another-run": "Schedule it for another time, or let it measure less.",
  "machine-busy": "Schedule it for another time, or raise --wait-quiet.",
} as const;

async function missed(
  io: CommandIo,
  folder: string,
  reason: keyof typeof NEXT,
  message: string,
): Promise<FalconError> {
  const path = join(folder, MISSED_FILE);
  const record = { schema_version: 1, at: io.clock.now().toISOString(), reason, message };
  await appendFile(path, `${JSON.stringify(record)}\n`).catch((cause: unknown) => {
    throw writeFailed(path, cause);
  });
  return new FalconError({
    code: "schedule-missed",
    message,
    next: `Nothing was measured; ${path} lists missed runs. ${NEXT[reason]}`,
    exitCode: ExitCode.missed,
  });
}
