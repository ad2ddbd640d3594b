/** How much of the machine others used during a measurement, from Linux's /proc. Null if there is no /proc. */
import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.js";

/** For the fields in /proc that count ticks; it is 100 on every Linux on which Node runs. */
const TICKS_PER_SEC = 100;

/** What one process has used since its start. */
export interface ProcessUse {
  readonly cpuSec: number;
  readonly minorFaults: number;
  /** How long its threads were ready to run but had no CPU. */
  readonly waitedSec: number;
}

export interface MachineUse {
  readonly atSec: number;
  /** All CPUs together: everything except idling, including time stolen by the host. */
  readonly busySec: number;
  readonly ownSec: number;
}

/** Seconds that all CPUs together were busy, from the text of /proc/stat. Time that the host stole counts, disk waits do not. */
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
  // The command's name may contain spaces and brackets, so the fields are taken after the last bracket; the first is the third.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [minorFaults, user, system] = [fields[7], fields[11], fields[12]].map(Number);
  return { cpuSec: ((user ?? 0) + (system ?? 0)) / TICKS_PER_SEC, minorFaults: minorFaults ?? 0 };
}

/** CPU seconds since the start of a process, including ended threads, exact to the tick. Null if the process is gone. */
export function readCpuSec(pid: number): number | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8")).cpuSec;
  } catch {
    return null;
  }
}

/** The use of a process, exact to the nanosecond, but only of threads that still run. Null if the process is gone. */
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

/** The use of the machine until now; `pids` are the processes that belong to the measurement. Null if there is no /proc. */
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
  // Ticks are coarser than the times of processes, so the difference may be slightly below zero.
  return Math.max(0, others) / (after.atSec - before.atSec);
}
