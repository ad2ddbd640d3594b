import { describe, expect, it } from "vitest";
import { computeActiveSec, runInSlices, type Work } from "../../bench/overhead/slices.js";

/** Work that ends once it has been woken `slices` times, with `failure` if given; notes in `events` what is done with it. */
function makeWork(name: string, slices: number, events: string[], failure?: Error): Work<string> {
  let left = slices;
  let end = () => {};
  return {
    start: () =>
      new Promise((resolve, reject) => {
        end = () => (failure === undefined ? resolve(name) : reject(failure));
      }),
    wake: () => {
      events.push(`${name} on`);
      if (--left === 0) end();
    },
    rest: () => events.push(`${name} off`),
  };
}

describe("runInSlices", () => {
  it("lets one at a time run until each is done, and the longer one alone at the end", async () => {
    const events: string[] = [];
    const [one, other] = await runInSlices(makeWork("a", 1, events), makeWork("b", 3, events), 1);
    expect(events).toEqual(["a on", "a off", "b on", "b off", "b on", "b off", "b on", "b off"]);
    expect([one.result, other.result]).toEqual(["a", "b"]);
    expect([one.windows.length, other.windows.length]).toEqual([1, 3]);
    const all = [...one.windows, ...other.windows].flat();
    expect(all).toEqual([...all].sort((a, b) => a - b));
  });

  it("stops both and tells the failure of one", async () => {
    const events: string[] = [];
    const running = runInSlices(makeWork("a", 2, events, new Error("gone")), makeWork("b", 1, events), 1);
    await expect(running).rejects.toThrow("gone");
    expect(events.at(-1)).toBe("a off");
  });
});

describe("computeActiveSec", () => {
  it("counts the parts of the windows between the two moments", () => {
    const windows = [
      [0, 2],
      [3, 4],
      [6, 9],
    ] as const;
    expect(computeActiveSec(windows, 1, 7)).toBe(1 + 1 + 1);
    expect(computeActiveSec(windows, 4.5, 5.5)).toBe(0);
    expect(computeActiveSec(windows, 3.25, 3.5)).toBe(0.25);
  });
});
