/** Makes processes stand still while it is the other side's turn: no heartbeat, no spinning thread, nothing in a queue. */
import { type ProcessUse, readProcessUse } from "./disturbance.js";
import type { Answer } from "./pairs.js";

/** Stops the process group of `pid`, if it still exists. */
export function restGroup(pid: number): void {
  signalGroup(pid, "SIGSTOP");
}

/** Continues the process group of `pid`, if it still exists. */
export function wakeGroup(pid: number): void {
  signalGroup(pid, "SIGCONT");
}

function signalGroup(pid: number, signal: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // If the process is gone, the next request to it reports why.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * An answer, together with what the process that generates (`pid`) used for it, and what the processes beside it used: those
 * of `besidePids`, and this one, which asks.
 */
export async function watchTurn(
  pid: number,
  besidePids: readonly number[],
  generate: () => Promise<Pick<Answer, "startedSec" | "endedSec" | "text">>,
): Promise<Answer> {
  const beside = [process.pid, ...besidePids];
  const read = () => ({ own: readProcessUse(pid), beside: beside.map(readProcessUse) });
  const before = read();
  const answer = await generate();
  const after = read();
  const used = (key: keyof ProcessUse) => subtract(before.own, after.own, key);
  const besideSec = beside.map((_, at) => subtract(before.beside[at], after.beside[at], "cpuSec"));
  return {
    ...answer,
    cpuSec: used("cpuSec"),
    minorFaults: used("minorFaults"),
    waitedSec: used("waitedSec"),
    besideCpuSec: besideSec.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0),
  };
}

function subtract(
  before: ProcessUse | null | undefined,
  after: ProcessUse | null | undefined,
  key: keyof ProcessUse,
): number | null {
  return before == null || after == null ? null : after[key] - before[key];
}
