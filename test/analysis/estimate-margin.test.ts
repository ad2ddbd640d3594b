import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { computeMargin, judgeFit } from "../../src/analysis/estimate-margin.js";
import { marginSentences, readPastPeaks } from "../../src/commands/past-peaks.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const PAST = [
  { method: "int8", device: "cpu", ratio: 1.84 },
  { method: "int8", device: "cpu", ratio: 0.98 },
  { method: "int8", device: "cuda", ratio: 3 },
] as const;

test("the margin is what was measured of the same method on the same kind of device", () => {
  const margin = computeMargin(PAST, "int8", "cpu");
  expect(margin).toEqual({ low: 0.98, high: 1.84, configurations: 2 });
});

test("where nothing was measured it is assumed, and said to be", () => {
  const margin = computeMargin(PAST, "4bit", "cpu");
  expect(marginSentences([{ name: "fp4", margin }])).toEqual([
    "Estimates: ±10 % (assumed, because nothing similar was measured here)",
  ]);
});

test.each([
  [20e9, "yes"],
  [22e9, "tight"],
  [26e9, "tight"],
  [27e9, "no"],
] as const)("of 24 GB an estimate of %d bytes, 10 %% off at most, is: %s", (bytes, verdict) => {
  expect(judgeFit(bytes, 24e9, { low: 0.9, high: 1.1, configurations: 3 })).toBe(verdict);
});

test("peaks of earlier runs are read from their summaries, and a folder that is not there has none", async () => {
  const cwd = scratchFolder();
  expect(await readPastPeaks("results", cwd)).toEqual([]);
  const example = fileURLToPath(new URL("../../results/example", import.meta.url));
  cpSync(example, join(cwd, "results"), { recursive: true, preserveTimestamps: true });
  const past = await readPastPeaks("results", cwd);
  expect(past.map(({ method, device }) => `${method} ${device}`).toSorted()).toEqual([
    "4bit cpu",
    "int8 cpu",
    "none cpu",
  ]);
  // The estimates of the example run were too low.
  expect(past.every(({ ratio }) => ratio > 1.1 && ratio < 2)).toBe(true);
});
