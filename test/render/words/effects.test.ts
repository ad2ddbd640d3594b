import { describe, expect, test } from "vitest";
import {
  chooseMemoryWords,
  describeEffect,
  describeWeightsRatio,
  formatRange,
  formatRatio,
  TIME_WORDS,
} from "../../../src/render/words/effects.js";
import { effect } from "../../fixtures/effects.js";

const ofLoads = (...loadRatios: number[]) => ({
  unit: "load" as const,
  ratio: Math.exp(loadRatios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / loadRatios.length),
  pairs: 12,
  loads: loadRatios.length,
  loadRatios,
  interval: null,
  unevenLoads: null,
});

test.each([
  [effect(1.63, 1.6, 1.66), "1.63× slower [1.60, 1.66], 1 load each"],
  [effect(0.8, 0.78, 0.82), "1.25× faster [1.22, 1.28], 1 load each"],
  [{ ...effect(1.63, 1.6, 1.66), loads: 2 }, "1.63× slower [1.60, 1.66]"],
  [{ ...effect(0.99, 0.95, 1.03), loads: 2 }, "time within noise (0.99× [0.95, 1.03])"],
  [
    { ...effect(1.3, 0.8, 2.11), loads: 2, unevenLoads: 0.112 },
    "time within noise (1.30× [0.80, 2.11], loads of one configuration differ by 11 %)",
  ],
  [effect(0.99, 0.95, 1.03), "time within noise (0.99× [0.95, 1.03], 1 load each)"],
  [effect(1.002, 0.995, 1.008), "the same time (1.00× [0.99, 1.01], 1 load each)"],
  [
    { ...effect(1.4, 1.3, 1.5, 3), interval: null },
    "time 1.40×, too few repeats to tell (3 pairs, 4 needed)",
  ],
])("an effect is said with its interval, or that nobody knows", (measured, text) => {
  expect(describeEffect(measured, TIME_WORDS)).toBe(text);
});

describe("memory, which a process fixes", () => {
  test.each([
    [ofLoads(0.5), "2.00× less peak RSS (1 load each)"],
    [ofLoads(1.31, 1.29), "1.30× more peak RSS (2 loads each)"],
    [ofLoads(1.003), "the same peak RSS"],
    [ofLoads(1.03), "peak RSS 1.03×, too few loads to tell (1 load each, 5 needed)"],
    [ofLoads(1.3, 0.9), "peak RSS 1.08×, too few loads to tell (2 loads each, 5 needed)"],
  ])("is a difference of few loads only where each of them says so", (measured, text) => {
    expect(describeEffect(measured, chooseMemoryWords("peak RSS"))).toBe(text);
  });
});

test.each([
  [110e6, 269e6, "weights 2.45× smaller (−159 MB)"],
  [269e6, 110e6, "weights 2.45× larger (+159 MB)"],
  [269e6, 268.9e6, "weights of nearly the same size (+0.1 MB)"],
  [5, 5, "weights of the same size"],
])("weights are exact and need no interval", (own, reference, text) => {
  expect(describeWeightsRatio(own, reference)).toBe(text);
});

test("a ratio that is tiny keeps digits that say something", () => {
  expect([0.0042, 0.094, 0.5, 12.345].map(formatRatio)).toEqual(["0.0042", "0.094", "0.50", "12.35"]);
});

test("an interval that leaves everything open has no more digits than that", () => {
  expect(formatRange([0.0000045, 381103.19])).toBe("[below 0.01, above 100]");
  expect(formatRange([0.87, 1.78])).toBe("[0.87, 1.78]");
  expect(formatRange([0.5, 120])).toBe("[0.50, above 100]");
});

test("a large effect that is known well keeps its bounds, whichever way it goes", () => {
  expect(formatRange([140, 160])).toBe("[140.00, 160.00]");
  expect(formatRange([0.00625, 0.00714])).toBe("[0.0063, 0.0071]");
});
