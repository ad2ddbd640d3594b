/** How busy this machine is with whatever runs on it. */
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

/** Share of all cores that was busy for so long from now; 0 where the system does not tell. */
export async function sampleBusyShare(seconds: number): Promise<number> {
  const before = readTimes();
  await delay(seconds * 1000);
  const now = readTimes();
  return now.all > before.all ? (now.busy - before.busy) / (now.all - before.all) : 0;
}
