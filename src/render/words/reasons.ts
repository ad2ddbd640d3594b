/** Why figures cannot be compared, in words. */
import type { Asked, Reason, SettingsDifference } from "../../analysis/compare/reasons.js";
import type { HistoryReport } from "../../analysis/history/history-types.js";
import { canonicalJson } from "../../base/json.js";
import { safeLine } from "../../base/text.js";
import { describeChange } from "../../run/identity.js";

const CAUSES = {
  prompts: "other prompts",
  tokens: "other tokens for the same prompts",
  generation: "other generation settings",
  "batch-size": "another batch size",
  model: "another model",
  scoring: "a different text, or different scoring settings",
} as const;

export const SETTINGS = "generation settings";

export function describeReason(reason: Reason): string {
  switch (reason.kind) {
    case "text":
      return `another text under the name ${reason.textId}`;
    case "settings":
      return `${SETTINGS} ${describeSettings(reason.difference).join(" → ")}`;
    case "asked":
      return `${describeAsked(reason.before)} → ${describeAsked(reason.after)}`;
    case "memory":
      return `${reason.before} → ${reason.after}`;
    case "changed":
      return describeChange(reason.what, reason.before, reason.after);
    default:
      return CAUSES[reason.kind];
  }
}

/** `other prompts, CPU A → B`, on one line. */
export function describeReasons(reasons: readonly Reason[]): string {
  return safeLine(reasons.map(describeReason).join(", "));
}

function describeAsked({ quantization, dtype, device, attention }: Asked): string {
  return `${quantization}, ${dtype}, ${device}, attention ${attention}`;
}

/** One text per side. A setting that a side does not have is at its default. */
export function describeSettings({ names, sides }: SettingsDifference): readonly string[] {
  return sides.map((one) =>
    names
      .map((name) => `${name} ${one[name] == null ? "at its default" : canonicalJson(one[name])}`)
      .join(", "),
  );
}

type Series = HistoryReport["series"][number];
type WrittenBreak = Omit<Series["breaks"][number], "reasons"> & { readonly reasons: readonly string[] };

/** What `falcon-exp history --json` prints, and what history.json holds. */
export interface WrittenHistory extends Omit<HistoryReport, "series"> {
  readonly series: readonly (Omit<Series, "breaks"> & { readonly breaks: readonly WrittenBreak[] })[];
}

export function writeReasons(report: HistoryReport): WrittenHistory {
  const series = report.series.map((one) => ({
    ...one,
    breaks: one.breaks.map((own) => ({ ...own, reasons: own.reasons.map(describeReason) })),
  }));
  return { ...report, series };
}
