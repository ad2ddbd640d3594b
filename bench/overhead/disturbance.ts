/** How much of the machine others took while something was measured, from Linux's /proc; null where there is none. */
import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.js";

/** Of the fields in /proc that count in ticks: 100 on every Linux that Node runs on. */
const TICKS_PER_SEC = 100;

/** What one process has used since its start. */
export interface ProcessUse {
  readonly cpuSec: number;
  readonly minorFaults: number;
  /** For how long its threads were ready to run and had no CPU. */
  readonly waitedSec: number;
}

export interface MachineUse {
  readonly atSec: number;
  /** Of all CPUs together: everything but idling, time stolen by the host included. */
  readonly busySec: number;
  readonly ownSec: number;
}

/** Seconds that all CPUs together were busy, from the text of /proc/stat. What the host stole counts, waiting for disks does not. */
export function parseBusySec(procStat: string): number {
  const line = procStat.split("\n").find((one) => one.startsWith("cpu "));
  if (line === undefined) throw new Error("/proc/stat has no line of all CPUs");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SEC;
}

/** CPU seconds and minor faults from the text of /proc/PID/stat. */
export function parseProcessStat(text: string): { readonly cpuSec: number; readonly minorFaults: number } {
  // The command's name may hold spaces and brackets: the fields begin after the last one, with the third.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [minorFaults, user, system] = [fields[7], fields[11], fields[12]].map(Number);
  return { cpuSec: ((user ?? 0) + (system ?? 0)) / TICKS_PER_SEC, minorFaults: minorFaults ?? 0 };
}

/** CPU seconds since the start of a process, ended threads included, to the tick; null for one that is gone. */
export function readCpuSec(pid: number): number | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8")).cpuSec;
  } catch {
    return null;
  }
}

/** Exact to the nanosecond, of the threads that still run; null for a process that is gone. */
export function readProcessUse(pid: number): ProcessUse | null {
  try {
    const { minorFaults } = parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    let [ranNs, waitedNs] = [0, 0];
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [ran, waited] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
      ranNs += Number(ran);
      waitedNs += Number(waited);
    }
    return { cpuSec: ranNs / 1e9, waitedSec: waitedNs / 1e9, minorFaults };
  } catch {
    return null;
  }
}

/** The machine now; `pids` are the processes that belong to the measurement. Null where there is no /proc. */
export function readMachineUse(pids: readonly number[]): MachineUse | null {
  try {
    const busySec = parseBusySec(readFileSync("/proc/stat", "utf8"));
    const ownSec = pids.reduce((sum, pid) => sum + (readCpuSec(pid) ?? 0), 0);
    return { atSec: systemClock.monotonicSec(), busySec, ownSec };
  } catch {
    return null;
  }
}

/** How many CPUs others kept busy between two readings, on average: 0.1 = a tenth of one CPU. */
export function computeOthersCpus(before: MachineUse | null, after: MachineUse | null): number | null {
  if (before === null || after === null || after.atSec <= before.atSec) return null;
  const others = after.busySec - before.busySec - (after.ownSec - before.ownSec);
  // Ticks are coarser than what processes are told: a little less than nothing is nothing.
  return Math.max(0, others) / (after.atSec - before.atSec);
}
