/** An experiment's runs over time: every metric of every configuration, its levels, and what changed when. */

import { CHANGE_TEST } from "./change-points.js";
import { historyChartName } from "./chart-name.js";
import { type EnvironmentChange, environmentChanges, missedRuns } from "./events.js";
import type { FailCondition } from "./fail-on.js";
import {
  HISTORY_SCHEMA_VERSION,
  type HistoryHeader,
  type HistoryReport,
  type HistorySeries,
  type NewestValue,
} from "./history-types.js";
import { evaluateChecks } from "./judge.js";
import { findLevels, type Levels } from "./levels.js";
import type { HistoryMetric } from "./metrics.js";
import { newestAgainst } from "./newest.js";
import { buildSeries, type HistoryRun, type Series, type SeriesPoint } from "./series.js";

export interface HistoryOptions {
  readonly experiment: string;
  readonly conditions: readonly FailCondition[];
  readonly everySec: number | null;
  readonly now: Date;
}

/** The series of one chart, which are all of the same metric. */
export interface JudgedChart {
  readonly name: string;
  readonly header: HistoryHeader;
  readonly series: readonly HistorySeries[];
}

/** `runs` are in order of time. */
export function buildHistory(runs: readonly HistoryRun[], options: HistoryOptions): HistoryReport {
  const charts = judgeHistory(runs, options);
  for (;;) {
    const step = charts.next();
    if (step.done === true) return step.value;
  }
}

/** The same, but yields chart by chart, so that one can be drawn while the next is judged. */
export function* judgeHistory(
  runs: readonly HistoryRun[],
  options: HistoryOptions,
): Generator<JudgedChart, HistoryReport> {
  const environments = environmentChanges(runs);
  const header: HistoryHeader = {
    schema_version: HISTORY_SCHEMA_VERSION,
    experiment: options.experiment,
    runs: runs.map(({ run_id, started_at, status }) => ({ run_id, started_at, status })),
    environment_changes: environments.map(({ run, differences }) => ({ ...findRun(runs, run), differences })),
    every_sec: options.everySec,
    missed_runs: options.everySec === null ? [] : missedRuns(runs, options.everySec, options.now),
    change_test: CHANGE_TEST,
  };
  const all = buildSeries(runs);
  const judged = new Map<Series, HistorySeries>();
  // Exact metrics come first: they are judged at once, so that there is something to draw from the start.
  const order = all.toSorted((a, b) => Number(b.metric.isExact) - Number(a.metric.isExact));
  const names = new Set(order.map(nameChart));
  for (const name of names) {
    const own = all.filter((series) => nameChart(series) === name);
    for (const series of own) judged.set(series, historySeries(series, runs, environments));
    yield { name, header, series: own.flatMap((series) => judged.get(series) ?? []) };
  }
  // Charts are ordered by metric, the report by configuration.
  const series = all.flatMap((one) => judged.get(one) ?? []);
  return { ...header, series, checks: evaluateChecks(options.conditions, series) };
}

function nameChart({ metric, text_id }: Series): string {
  return historyChartName(metric.key, text_id);
}

function findRun(runs: readonly HistoryRun[], run: number): { readonly run_id: string; readonly at: string } {
  const { run_id = "", started_at: at = "" } = runs[run] ?? {};
  return { run_id, at };
}

interface MeasuredPoint extends SeriesPoint {
  readonly metricValue: NonNullable<SeriesPoint["metricValue"]>;
}

function historySeries(
  { configuration, metric, title, text_id, segments }: Series,
  runs: readonly HistoryRun[],
  environments: readonly EnvironmentChange[],
): HistorySeries {
  const judged = segments.map(({ points }) => {
    const measured = points.filter((point): point is MeasuredPoint => point.metricValue !== null);
    const values = measured.map(({ metricValue }) => metricValue.value);
    const isPositive = values.every((value) => value > 0);
    const levels: Levels = isPositive ? findLevels(values, metric) : { levels: [], changes: [] };
    return { measured, values, isPositive, ...levels };
  });
  const last = judged.at(-1);
  const runsInLast = last?.values.length ?? 0;
  const needed = metric.isExact ? 2 : CHANGE_TEST.fewest_runs;
  return {
    configuration,
    metric: metric.key,
    title,
    text_id,
    better: metric.better,
    unit: metric.unit,
    spread: metric.spread,
    points: segments.flatMap(({ points }, segment) =>
      points.map(({ run, metricValue, status }) => ({
        run,
        value: metricValue?.value ?? null,
        low: metricValue?.low ?? null,
        high: metricValue?.high ?? null,
        status,
        segment,
      })),
    ),
    breaks: segments
      .slice(1)
      .map(({ reasons, points }) => ({ ...findRun(runs, points[0]?.run ?? 0), reasons })),
    levels: judged.flatMap(({ measured, levels }) =>
      levels.map(({ from, to, median }) => ({
        from_at: findRun(runs, measured[from]?.run ?? 0).at,
        to_at: findRun(runs, measured[to - 1]?.run ?? 0).at,
        runs: to - from,
        median,
      })),
    ),
    changes: judged.flatMap(({ measured, levels, changes }) =>
      changes.map((change, i) => ({
        ...dateChange(change, measured, runs, environments),
        before: levels[i]?.median ?? 0,
        after: levels[i + 1]?.median ?? 0,
        verdict: change.ratio < 1 === (metric.better === "lower") ? ("better" as const) : ("worse" as const),
      })),
    ),
    too_few_runs: runsInLast < needed ? { runs: runsInLast, needed } : null,
    has_no_ratio: judged.some(({ isPositive }) => !isPositive),
    newest: last === undefined ? null : compareNewest(last, runs, metric),
  };
}

function dateChange(
  { at, at_low, at_high, ratio, ci95_low, ci95_high, p_value }: Levels["changes"][number],
  measured: readonly SeriesPoint[],
  runs: readonly HistoryRun[],
  environments: readonly EnvironmentChange[],
) {
  const runAt = (index: number) => measured[index]?.run ?? 0;
  const [after, upTo] = [runAt(Math.max(0, at_low - 1)), runAt(at_high)];
  return {
    ...findRun(runs, runAt(at)),
    at_low: findRun(runs, runAt(at_low)).at,
    at_high: findRun(runs, runAt(at_high)).at,
    ratio,
    ci95_low,
    ci95_high,
    p_value,
    together_with: environments
      .filter(({ run }) => run > after && run <= upTo)
      .flatMap(({ differences }) => differences.filter(({ is_known }) => is_known)),
  };
}

function compareNewest(
  {
    measured,
    values,
    isPositive,
    levels,
  }: Levels & {
    readonly measured: readonly MeasuredPoint[];
    readonly values: readonly number[];
    readonly isPositive: boolean;
  },
  runs: readonly HistoryRun[],
  metric: HistoryMetric,
): NewestValue | null {
  const point = measured.at(-1);
  if (point === undefined) return null;
  // A run that is still in progress is judged once it has ended.
  const newestRun = runs.findLastIndex(({ status }) => status !== "running");
  return {
    ...findRun(runs, point.run),
    value: point.metricValue.value,
    is_of_newest_run: point.run === newestRun,
    is_exact: metric.isExact,
    own_low: point.metricValue.own?.[0] ?? null,
    own_high: point.metricValue.own?.[1] ?? null,
    is_disturbed: point.metricValue.isDisturbed,
    against: isPositive ? newestAgainst(values, levels, metric) : null,
  };
}
