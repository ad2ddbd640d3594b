import { describe, expect, it } from "vitest";
import {
  computeOthersCpus,
  parseBusySec,
  parseProcessStat,
  readMachineUse,
  readProcessUse,
} from "../../bench/overhead/disturbance.js";

describe("parseBusySec", () => {
  it("adds up all that a CPU does but idling and waiting for disks, stolen time included", () => {
    const text = "cpu  100 20 30 999 888 4 5 6 77 88\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 1\n";
    expect(parseBusySec(text)).toBeCloseTo(1.65, 10);
  });

  it("refuses a text without the line of all CPUs", () => {
    expect(() => parseBusySec("cpu0 1 2 3\n")).toThrow("/proc/stat");
  });
});

describe("parseProcessStat", () => {
  it("reads CPU time and minor faults behind a name with spaces and brackets", () => {
    const text = "4711 (a) S (x y) R 1 2 3 4 5 6 1234 8 9 10 250 50 13 14 20 0 3\n";
    expect(parseProcessStat(text)).toEqual({ cpuSec: 3, minorFaults: 1234 });
  });
});

describe("computeOthersCpus", () => {
  it("is what the machine did beyond the measurement's own processes, in CPUs", () => {
    const before = { atSec: 10, busySec: 100, ownSec: 40 };
    expect(computeOthersCpus(before, { atSec: 12, busySec: 103.2, ownSec: 43 })).toBeCloseTo(0.1, 10);
  });

  it("is never less than nothing, which ticks could say", () => {
    const before = { atSec: 10, busySec: 100, ownSec: 40 };
    expect(computeOthersCpus(before, { atSec: 12, busySec: 102.99, ownSec: 43 })).toBe(0);
  });

  it("is unknown where a reading is missing or no time went by", () => {
    const reading = { atSec: 10, busySec: 100, ownSec: 40 };
    expect(computeOthersCpus(null, reading)).toBeNull();
    expect(computeOthersCpus(reading, null)).toBeNull();
    expect(computeOthersCpus(reading, reading)).toBeNull();
  });
});

describe.runIf(process.platform === "linux")("on this machine", () => {
  it("tells what this process has used, and its share of the machine", () => {
    const before = readProcessUse(process.pid);
    let sum = 0;
    for (let index = 0; index < 3e7; index++) sum += Math.sqrt(index);
    const after = readProcessUse(process.pid);
    expect(sum).toBeGreaterThan(0);
    expect((after?.cpuSec ?? 0) - (before?.cpuSec ?? 0)).toBeGreaterThan(0);
    expect(readMachineUse([process.pid])?.ownSec).toBeGreaterThan(0);
  });

  it("knows nothing of a process that does not exist", () => {
    expect(readProcessUse(2 ** 30)).toBeNull();
  });
});
