import { expect, test } from "vitest";
import {
  confine,
  countDevices,
  type Device,
  findHidden,
  parseDevices,
  spreadWork,
} from "../../src/executor/devices.js";

test.each([
  ["cuda:0,cuda:1", ["cuda 0", "cuda 1"]],
  ["cpu:0-3, cpu:4+6", ["cpu 0-3", "cpu 4,6"]],
  ["cuda:0,cuda:0", null],
  ["cuda:1,cuda:01", null],
  ["cpu:0-3,cpu:2-5", null],
  ["cpu:0+0", null],
  ["cpu:3-", null],
  ["cpu:+", null],
  ["cpu:3-1", null],
  ["cuda:0,cpu:0-3", null],
  ["gpu:0", null],
  ["", null],
])("%j is read as devices", (text, names) => {
  expect(parseDevices(text)?.map(({ kind, name }) => `${kind} ${name}`) ?? null).toEqual(names);
});

test("a command sees the cards, or the cores, that it was given, and no others", () => {
  const cards = parseDevices("cuda:1,cuda:3") ?? [];
  expect(confine(cards, ["node", "x"], undefined)).toEqual({
    command: ["node", "x"],
    env: { CUDA_VISIBLE_DEVICES: "1,3" },
  });
  const cores = parseDevices("cpu:0-3") ?? [];
  expect(confine(cores, ["node", "x"], "2,3")).toEqual({
    command: ["taskset", "-c", "0-3", "node", "x"],
    env: {},
  });
});

test("of a process that was given some cards, the numbers are those of its own list", () => {
  const cards = parseDevices("cuda:0,cuda:1") ?? [];
  expect(confine(cards, ["node"], "2, GPU-5f").env).toEqual({ CUDA_VISIBLE_DEVICES: "2,GPU-5f" });
  expect([undefined, "2,3", "2", ""].map((visible) => findHidden(cards, visible)?.name ?? null)).toEqual([
    null,
    null,
    "1",
    "0",
  ]);
});

test.each([
  [70e9, 80e9, 1],
  [75e9, 80e9, 2],
  [400e9, 80e9, 4],
  [null, 80e9, 1],
  [70e9, null, 1],
])("%s bytes on cards of %s take %i of four", (bytes, card, count) => {
  expect(countDevices(bytes, card, 4)).toBe(count);
});

test("no device has two at once, what needs several gets them, what takes longest begins first, and all is done", async () => {
  const devices = parseDevices("cuda:0,cuda:1,cuda:2") ?? [];
  const works = [
    { slice: 0, devices: 1, time: 1 },
    { slice: 1, devices: 1, time: 9 },
    { slice: 2, devices: 2, time: 3 },
    { slice: 3, devices: 1, time: 5 },
    { slice: 4, devices: 3, time: 2 },
  ];
  const busy = new Set<Device>();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const whole = spreadWork(works, devices, {
    isStopping: () => false,
    run: async ({ slice, devices: count }, on) => {
      begun.push(slice);
      expect(on).toHaveLength(count);
      for (const one of on) {
        expect(busy.has(one)).toBe(false);
        busy.add(one);
      }
      await new Promise<void>((resolve) => ends.push(resolve));
      for (const one of on) busy.delete(one);
      // A failure does not stop the others; the slice's own records report it.
      if (slice === 2) throw new Error("it broke");
    },
  });
  while (begun.length < works.length || ends.length > 0) {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await whole;
  expect(begun).toEqual([4, 2, 1, 3, 0]);
});

test("once it is stopped nothing more begins", async () => {
  let isStopping = false;
  const begun: number[] = [];
  await spreadWork(
    [0, 1, 2].map((slice) => ({ slice, devices: 1, time: 1 })),
    parseDevices("cuda:0") ?? [],
    {
      isStopping: () => isStopping,
      run: async ({ slice }) => {
        begun.push(slice);
        isStopping = true;
      },
    },
  );
  expect(begun).toEqual([0]);
});
