import { expect, test } from "vitest";
import {
  computeVerdict,
  effectText,
  memoryWords,
  TIME_WORDS,
  weightsText,
} from "../../src/analysis/significance.js";

const effect = (ratio: number, low: number, high: number, pairs = 10) => ({
  ratio,
  pairs,
  ci95: [low, high] as const,
  ci99: [low - 0.01, high + 0.01] as const,
});

test.each([
  [effect(1.63, 1.6, 1.66), "1.63× slower [1.60, 1.66]"],
  [effect(0.8, 0.78, 0.82), "1.25× faster [1.22, 1.28]"],
  [effect(0.99, 0.97, 1.02), "time within noise (0.99× [0.97, 1.02])"],
  [
    { ratio: 1.4, pairs: 3, ci95: null, ci99: null },
    "time 1.40×, too few repeats to tell (3 pairs, 5 needed)",
  ],
])("an effect is said with its interval, or that nobody knows", (measured, text) => {
  expect(effectText(measured, TIME_WORDS)).toBe(text);
});

test("memory is said by its kind", () => {
  expect(effectText(effect(0.5, 0.49, 0.51), memoryWords("peak RSS"))).toBe(
    "2.00× less peak RSS [1.96, 2.04]",
  );
});

test("the verdict needs the 99 % interval to leave out one, not only the 95 %", () => {
  const nearly = { ratio: 1.02, pairs: 9, ci95: [1.005, 1.03] as const, ci99: [0.999, 1.04] as const };
  expect(computeVerdict(nearly)).toBe("within-noise");
});

test.each([
  [110e6, 269e6, "weights 2.45× smaller (−159 MB)"],
  [269e6, 110e6, "weights 2.45× larger (+159 MB)"],
  [5, 5, "weights of the same size"],
])("weights are exact and need no interval", (own, reference, text) => {
  expect(weightsText(own, reference)).toBe(text);
});
