/** Quality in words and short values. */

import { safeLine } from "../../base/text.js";
import type { Interval, QualitySummary } from "../../run/summary-schema.js";

/** What a verdict says about the first scored text; the others have a table of their own. */
export function describeQuality(quality: readonly QualitySummary[]): string[] {
  const first = quality.find(({ status }) => status === "completed");
  if (first === undefined) return [];
  const where = quality.length > 1 ? ` on ${safeLine(first.text_id)}` : "";
  return [
    ...(first.ppl_ratio === null ? [] : [`perplexity ${describePerplexity(first.ppl_ratio)}${where}`]),
    ...(first.top1_agreement === null ? [] : [`top-1 agreement ${formatShare(first.top1_agreement)}`]),
  ];
}

/** `1.37× higher [1.33, 1.41]`, `within noise (1.00× [0.99, 1.01])`. */
function describePerplexity({ value, ci95_low, ci95_high }: { readonly value: number } & Interval): string {
  const digits = Math.abs(value - 1) < 0.1 ? 3 : 2;
  if (ci95_low === null || ci95_high === null) return `${value.toFixed(digits)}×, too little text to tell`;
  const range = `[${ci95_low.toFixed(digits)}, ${ci95_high.toFixed(digits)}]`;
  if (ci95_low <= 1 && ci95_high >= 1) return `within noise (${value.toFixed(digits)}× ${range})`;
  return `${value.toFixed(digits)}× ${value > 1 ? "higher" : "lower"} ${range}`;
}

/** `91.3 % ± 1.2`: the second number is half the interval's width. */
export function formatShare({ value, ci95_low, ci95_high }: { readonly value: number } & Interval): string {
  const half = ci95_low === null || ci95_high === null ? null : (ci95_high - ci95_low) / 2;
  return `${(value * 100).toFixed(1)} %${half === null ? "" : ` ± ${(half * 100).toFixed(1)}`}`;
}
