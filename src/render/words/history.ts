/** The history in sentences that terminal, Markdown and charts share. Names are made safe; the caller escapes markup. */

import type { EnvironmentDifference } from "../../analysis/history/events.js";
import type {
  Check,
  HistoryChange,
  HistoryReport,
  HistorySeries,
} from "../../analysis/history/history-types.js";
import { HISTORY_METRICS } from "../../analysis/history/metrics.js";
import { FEWEST_RUNS_BEFORE, type NewestAgainst } from "../../analysis/history/newest.js";
import { pluralize, safeLine } from "../../base/text.js";
import { describeChange, describeUnrecorded } from "../../run/identity.js";
import { FORMATS } from "./metric-values.js";
import { shownLabel } from "./names.js";

/** Returns a function that writes a date in UTC, without the time if no day has two runs. */
export function dateWriter(report: Pick<HistoryReport, "runs">): (at: string) => string {
  const days = report.runs.map(({ started_at }) => started_at.slice(0, 10));
  const isDaily = new Set(days).size === days.length;
  return (at) => (isDaily ? at.slice(0, 10) : at.slice(0, 16).replace("T", " "));
}

/** `−9.8 %`; changes below 100 % keep one decimal. */
export function percentText(ratio: number): string {
  const percent = (ratio - 1) * 100;
  const digits = Math.abs(percent) >= 100 ? 0 : 1;
  const text = Math.abs(percent).toFixed(digits);
  if (Number(text) === 0) return `${(0).toFixed(digits)} %`;
  return `${percent < 0 ? "−" : "+"}${text} %`;
}

/** `[−12.3, −7.1]`, in percent. */
export function percentRange(low: number, high: number): string {
  const bare = (ratio: number) => percentText(ratio).replace(" %", "");
  return `[${bare(low)}, ${bare(high)}]`;
}

export function formatMetricValue(metric: string, value: number): string {
  const unit = HISTORY_METRICS.find(({ key }) => key === metric)?.unit;
  return unit === undefined ? String(value) : FORMATS[unit](value);
}

/** `bitsandbytes 0.49.0 → 0.50.2`, `lm_eval 0.4.13 is new`, `CPU instruction sets: avx512_bf16 missing`. */
export function differenceText({ what, before, after }: EnvironmentDifference): string {
  const name = safeLine(what);
  if (before === null) return `${name} ${safeLine(after ?? "")} is new`;
  if (after === null) return `${name} ${safeLine(before)} is gone`;
  return safeLine(describeChange(what, before, after));
}

/** The first `most` differences and how many more there are, then what only one of the two runs recorded. */
export function differencesText(differences: readonly EnvironmentDifference[], most: number): string {
  const known = differences.filter(({ is_known }) => is_known);
  const shown = known.slice(0, most).map(differenceText).join(", ");
  const more = known.length - most;
  const unrecorded = describeUnrecorded(
    differences
      .filter(({ is_known }) => !is_known)
      .map(({ what, before }) => ({ what, isOld: before === null })),
  );
  return [
    ...(shown === "" ? [] : [more > 0 ? `${shown} and ${more} more` : shown]),
    ...(unrecorded === null ? [] : [safeLine(unrecorded)]),
  ].join("; ");
}

const MOST_DIFFERENCES = 6;

/** One event of a configuration: everything that changed at the same run in the same direction, reported together. */
interface ChangeGroup {
  readonly configuration: string;
  readonly changes: readonly { readonly series: HistorySeries; readonly change: HistoryChange }[];
  readonly verdict: HistoryChange["verdict"];
}

export function groupChanges({ series: all }: Pick<HistoryReport, "series">): readonly ChangeGroup[] {
  const groups = new Map<string, ChangeGroup["changes"]>();
  for (const series of all) {
    for (const change of series.changes) {
      const key = JSON.stringify([series.configuration, change.at, change.verdict]);
      groups.set(key, [...(groups.get(key) ?? []), { series, change }]);
    }
  }
  return [...groups.values()].flatMap((changes) => {
    const [first] = changes;
    if (first === undefined) return [];
    return [{ configuration: first.series.configuration, changes, verdict: first.change.verdict }];
  });
}

/**
 * `fp4: tokens/s −10.1 % [−11.0, −9.2] (34.5 → 31.0), time +11.2 % [+10.1, +12.4] (1.0 s → 1.1 s): worse since 2026-11-12, together with
 * bitsandbytes 0.49.0 → 0.50.2`.
 */
export function changeText(
  { configuration, changes }: ChangeGroup,
  dateText: (at: string) => string,
): string {
  return `${shownLabel(configuration)}: ${changeWords(changes, dateText)}`;
}

/** The same without the configuration's name. */
export function changeWords(changes: ChangeGroup["changes"], dateText: (at: string) => string): string {
  const [first] = changes;
  if (first === undefined) return "";
  const { change } = first;
  const sizes = changes.map(({ series: { metric, title }, change: one }) => {
    const values = `${formatMetricValue(metric, one.before)} → ${formatMetricValue(metric, one.after)}`;
    const range = one.p_value === null ? "" : ` ${percentRange(one.ci95_low, one.ci95_high)}`;
    return `${safeLine(title)} ${percentText(one.ratio)}${range} (${values})`;
  });
  const [low, high] = [dateText(change.at_low), dateText(change.at_high)];
  const when = low === high ? dateText(change.at) : `${dateText(change.at)} [${low} to ${high}]`;
  const events =
    change.together_with.length === 0
      ? ""
      : `, together with ${differencesText(change.together_with, MOST_DIFFERENCES)}`;
  return `${sizes.join(", ")}: ${change.verdict} since ${when}${events}`;
}

/** The newest run compared with the level before it: `−0.4 % [−3.1, +2.3] within noise`. */
export function againstText(against: NewestAgainst | null, better: HistorySeries["better"]): string {
  if (against === null) return "–";
  const { ratio, ci95_low, ci95_high, verdict, runs_before } = against;
  if (verdict === "counted") return ratio === 1 ? "the same" : percentText(ratio);
  if (ci95_low === null || ci95_high === null) {
    return `${percentText(ratio)} too few runs (${runs_before} before)`;
  }
  if (ci95_low === 1 && ci95_high === 1) return "the same";
  const text = `${percentText(ratio)} ${percentRange(ci95_low, ci95_high)}`;
  if (verdict === "within-noise") return `${text} within noise`;
  return `${text} ${againstVerdict(against, better) ?? ""}`.trimEnd();
}

/** Null if it is neither better nor worse, or if that cannot be told. */
export function againstVerdict(
  against: NewestAgainst | null,
  better: HistorySeries["better"],
): "better" | "worse" | null {
  if (against === null || against.ratio === 1) return null;
  if (against.verdict === "within-noise" || against.verdict === "too-few-runs") return null;
  return against.ratio < 1 === (better === "lower") ? "better" : "worse";
}

/** The outcome of one condition on one configuration, as a sentence. */
export function checkText({ condition, configuration, metric, title, outcome, newest }: Check): string {
  const subject = `${shownLabel(configuration)}: ${safeLine(title)}`;
  const rule = safeLine(condition);
  if (newest === null || outcome === "no-figure")
    return `${subject} was not measured by the newest run (${rule})`;
  const { against, value, own_low, own_high } = newest;
  const valueText = formatMetricValue(metric, value);
  if (outcome === "disturbed")
    return `${subject} ${valueText}: other work disturbed all trials, so it is not judged (${rule})`;
  if (outcome === "too-few-runs") {
    const before = against?.runs_before ?? 0;
    const needed = newest.is_exact ? 1 : FEWEST_RUNS_BEFORE;
    return `${subject} ${valueText}: too few runs to tell (${pluralize(before, "run")} before, ${needed} needed; ${rule})`;
  }
  const range =
    against === null || against.ci95_low === null || against.ci95_high === null
      ? ""
      : ` ${percentRange(against.ci95_low, against.ci95_high)}`;
  const basis =
    against === null
      ? ""
      : `, ${percentText(against.ratio)}${range} against ${formatMetricValue(metric, against.level)} of the ${pluralize(against.runs_before, "run")} before`;
  const own =
    condition.trimEnd().endsWith("%") || own_low === null || own_high === null
      ? ""
      : ` [${formatMetricValue(metric, own_low)}, ${formatMetricValue(metric, own_high)}]`;
  const judgement = {
    regression: `beyond the limit ${rule}`,
    "within-limit": `within the limit ${rule}`,
    "within-noise": `beyond the limit ${rule}, but within noise`,
  }[outcome];
  return `${subject} ${valueText}${own}${basis}: ${judgement}`;
}

/** `30 runs from 2026-10-26 to 2026-11-24: 28 completed, 1 failed`. */
export function runsText(report: HistoryReport, dateText: (at: string) => string): string {
  const { runs, missed_runs } = report;
  const statuses = new Map<string, number>();
  for (const { status } of runs) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const parts = [...statuses]
    .sort((a, b) => b[1] - a[1])
    .map(([status, count]) => `${count} ${status.replaceAll("_", " ")}`);
  if (missed_runs.length > 0) parts.push(`${missed_runs.length} missed`);
  const [first, last] = [runs[0], runs.at(-1)];
  const when =
    first === undefined || last === undefined
      ? ""
      : runs.length === 1
        ? ` on ${dateText(first.started_at)}`
        : ` from ${dateText(first.started_at)} to ${dateText(last.started_at)}`;
  return `${pluralize(runs.length, "run")}${when}: ${parts.join(", ")}`;
}

export const METHOD_TEXT =
  "Medians of each run's trials; the newest compared with the level before it, with a 95 % prediction interval.";
