/** A ratio against the baseline, in words. */

import type { ComparedMetric, ComparedRatio } from "../../analysis/compare/compare.js";
import { effectRange } from "../../analysis/significance.js";

/** `1.55× [1.51, 1.59] slower`-like: the ratio, its interval, and better, worse, noise or unknown. */
export function ratioWords(ratio: ComparedRatio | null, better: ComparedMetric["better"]): string {
  if (ratio === null) return "–";
  const { ratio: value, ci95_low, ci95_high, verdict } = ratio;
  const number = `${value.toFixed(2)}×`;
  const range = ci95_low === null || ci95_high === null ? "" : ` ${effectRange([ci95_low, ci95_high])}`;
  switch (verdict) {
    case "counted":
      return value === 1 ? "the same" : number;
    case "too-few-repeats":
      return `${number} too few repeats`;
    case "within-noise":
      return `${number}${range} within noise`;
    case "less":
    case "more":
      return `${number}${range} ${(verdict === "less") === (better === "lower") ? "better" : "worse"}`;
  }
}
