/** The wording of a comparison, shared by terminal, Markdown and the local pages. Names in it are not made safe. */

import type { Difference } from "../../analysis/compare/environment-diff.js";
import type { MetricRatio } from "../../analysis/compare/metrics.js";
import { pluralize } from "../../base/text.js";
import { describeSetChange } from "../../run/identity.js";
import { INSTRUCTION_SETS } from "../../run/traits.js";
import type { ComparedGroup, ComparedMetric, CompareReport } from "./compare-report.js";
import { formatRange, formatRatio } from "./effects.js";
import { shownLabel } from "./names.js";

/** Goes below a comparison: says what its figures are, and which interval is in the brackets. */
export const COMPARE_NOTE =
  "Medians over trials. Ratios are geometric means relative to the first, paired by prompt and repeat (memory: by load). Brackets: the 99 % interval that decides; between two runs it allows for changes of the machine.";

/**
 * Names what is compared: the configuration of whole runs, or `bf16 (unquantized) · fp4` for single ones. The lines below it
 * say which side is which.
 */
export function groupName({ sides }: ComparedGroup): string {
  return [...new Set(sides.map(sideName))].join(" · ");
}

export function sideName({ configuration, dtype }: ComparedGroup["sides"][number]): string {
  return shownLabel(configuration, dtype);
}

/** `1.55× [1.51, 1.59] worse`: the ratio, its interval, and the verdict (better, worse, the same, noise or unknown). */
export function ratioWords(ratio: MetricRatio | null, better: ComparedMetric["better"]): string {
  if (ratio === null) return "–";
  const { ratio: value, ci99_low, ci99_high, verdict, loads, is_of_one_load } = ratio;
  const number = `${formatRatio(value)}×`;
  const few = loads === null ? "" : ` (${pluralize(loads, "load")} each)`;
  const range = ci99_low === null || ci99_high === null ? few : ` ${formatRange([ci99_low, ci99_high])}`;
  const rests = is_of_one_load ? ", 1 load each" : "";
  switch (verdict) {
    case "counted":
      return value === 1 ? "the same" : number;
    case "too-few-repeats":
      return `${number} too few ${loads === null ? "repeats" : "loads"}${loads === null ? "" : few}`;
    case "within-noise":
      return `${number}${range} within noise`;
    case "same":
      return `${number}${range} the same`;
    case "disturbed":
      return "not judged: disturbed";
    case "less":
    case "more":
      return `${number}${range} ${(verdict === "less") === (better === "lower") ? "better" : "worse"}${rests}`;
  }
}

/** Heads the list of differences. It says if the machines differ, because figures then compare the machines too. */
export function environmentHeading({ is_same_machine }: CompareReport): string {
  if (is_same_machine === null) return "Environment (not known to be the same machine):";
  return is_same_machine ? "Environment:" : "Environment (not the same machine):";
}

/** What is known to differ; what only some of the runs recorded is listed separately. */
export function knownDifferences({ environment, unrecorded }: CompareReport): readonly Difference[] {
  return environment.filter(({ what }) => !unrecorded.includes(what));
}

/** `Not recorded by all: CPU instruction sets`; null if all runs recorded everything. */
export function unrecordedLine({ unrecorded }: CompareReport): string | null {
  return unrecorded.length === 0 ? null : `Not recorded by all: ${unrecorded.join(", ")}`;
}

/** `dtype: float16 → bfloat16`, `CPU instruction sets: avx512_bf16 missing`. */
export function differenceText(difference: Difference): string {
  const cells = differenceCells(difference);
  const isTold = difference.what === INSTRUCTION_SETS && cells.length === 2 && difference.values[0] !== null;
  return `${difference.what}: ${isTold ? cells[1] : cells.join(" → ")}`;
}

/** One cell per side. For sets, all sides but the first say what they lack and what they add compared with the first. */
export function differenceCells({ what, values }: Difference): readonly string[] {
  const [first] = values;
  return values.map((value, index) => {
    if (value === null) return "not recorded";
    if (what !== INSTRUCTION_SETS || index === 0 || first == null) return value;
    return describeSetChange(first, value);
  });
}
