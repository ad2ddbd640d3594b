import type { DriftFigures } from "../../analysis/drift.js";
import { pluralize } from "../../base/text.js";
import type { DriftPoint } from "../../run/summary-schema.js";
import { formatRange, formatRatio } from "./effects.js";

const POSITIONS = ["start", "middle", "end"] as const;

/** Whether the machine changed during the run, judging by the drift probe. */
export function describeDrift({ configuration, points }: DriftFigures): string {
  return `sentinel ${configuration}: ${points.map(describePoint).join("; ")}`;
}

function describePoint({ position, time }: DriftPoint): string {
  const name = POSITIONS[position] ?? "";
  const range =
    time.ci99_low === null || time.ci99_high === null
      ? pluralize(time.pairs, "pair")
      : formatRange([time.ci99_low, time.ci99_high]);
  const ratio = `${formatRatio(time.ratio)}× the time at the start ${range}`;
  switch (time.verdict) {
    case "more":
      return `the machine was slower at the ${name}: ${ratio}`;
    case "less":
      return `the machine was faster at the ${name}: ${ratio}`;
    case "same":
    case "within-noise":
      return `no drift at the ${name} (${ratio})`;
    case "too-few-repeats":
    case "disturbed":
      return `${name} ${ratio}, too few prompts to tell drift from noise`;
  }
}
