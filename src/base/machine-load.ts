/** How busy this machine is with everything that runs on it. */
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

interface CpuTimes {
  readonly busy: number;
  readonly all: number;
}

function readTimes(): CpuTimes {
  const all = cpus().map(({ times }) => times);
  const sum = (of: (times: (typeof all)[number]) => number) =>
    all.reduce((total, times) => total + of(times), 0);
  return {
    busy: sum(({ user, nice, sys, irq }) => user + nice + sys + irq),
    all: sum(({ user, nice, sys, irq, idle }) => user + nice + sys + irq + idle),
  };
}

/** Measures for `seconds` from now which share of all cores is busy; 0 if the system does not report it. */
export async function sampleBusyShare(seconds: number): Promise<number> {
  const before = readTimes();
  await delay(seconds * 1000);
  const now = readTimes();
  return now.all > before.all ? (now.busy - before.busy) / (now.all - before.all) : 0;
}
