import { describe, expect, it } from "vitest";
import {
  busySecOf,
  othersCpus,
  readMachineUse,
  readProcessUse,
  useOf,
} from "../../bench/overhead/disturbance.js";

describe("busySecOf", () => {
  it("adds up all that a CPU does but idling and waiting for disks, stolen time included", () => {
    const text = "cpu  100 20 30 999 888 4 5 6 77 88\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 1\n";
    expect(busySecOf(text)).toBeCloseTo(1.65, 10);
  });

  it("refuses a text without the line of all CPUs", () => {
    expect(() => busySecOf("cpu0 1 2 3\n")).toThrow("/proc/stat");
  });
});

describe("useOf", () => {
  it("reads CPU time and minor faults behind a name with spaces and brackets", () => {
    const text = "4711 (a) S (x y) R 1 2 3 4 5 6 1234 8 9 10 250 50 13 14 20 0 3\n";
    expect(useOf(text)).toEqual({ cpuSec: 3, minorFaults: 1234 });
  });
});

describe("othersCpus", () => {
  it("is what the machine did beyond the measurement's own processes, in CPUs", () => {
    const before = { atSec: 10, busySec: 100, ownSec: 40 };
    expect(othersCpus(before, { atSec: 12, busySec: 103.2, ownSec: 43 })).toBeCloseTo(0.1, 10);
  });

  it("is never less than nothing, which ticks could say", () => {
    const before = { atSec: 10, busySec: 100, ownSec: 40 };
    expect(othersCpus(before, { atSec: 12, busySec: 102.99, ownSec: 43 })).toBe(0);
  });

  it("is unknown where a reading is missing or no time went by", () => {
    const reading = { atSec: 10, busySec: 100, ownSec: 40 };
    expect(othersCpus(null, reading)).toBeNull();
    expect(othersCpus(reading, null)).toBeNull();
    expect(othersCpus(reading, reading)).toBeNull();
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
