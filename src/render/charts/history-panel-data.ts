/** The data of a series that one configuration's panel shows, in the unit of its axis. */

import type { HistoryHeader, HistorySeries } from "../../analysis/history/history-types.js";
import { computeMedian } from "../../base/statistics.js";

/**
 * With more runs than this, one whisker per run would be a smear, and the file would be megabytes large. The panel then draws one
 * line and one area with about this many points at most.
 */
export const MOST_WHISKERS = 250;

export interface AxisUnit {
  readonly title: string;
  readonly factor: number;
}

/** Returns the unit in which the largest value has few digits. */
export function axisUnit(series: readonly HistorySeries[]): AxisUnit {
  const values = series.flatMap(({ points }) => points.flatMap(({ value }) => value ?? []));
  const most = values.reduce((largest, value) => Math.max(largest, value), 0);
  switch (series[0]?.unit) {
    case "bytes":
      return most >= 1e9 ? { title: "GB", factor: 1e-9 } : { title: "MB", factor: 1e-6 };
    case "seconds":
      return most < 1 ? { title: "ms", factor: 1e3 } : { title: "s", factor: 1 };
    case "tokens a second":
      return { title: "tokens/s", factor: 1 };
    case "share":
      return { title: "%", factor: 100 };
    default:
      return { title: series[0]?.unit ?? "", factor: 1 };
  }
}

export interface PanelData {
  readonly points: readonly {
    readonly at: string;
    readonly value: number;
    readonly low: number | null;
    readonly high: number | null;
    readonly segment: number;
  }[];
  /** Whether each point stands for several runs. */
  readonly isDense: boolean;
  readonly failed: readonly { readonly at: string; readonly status: string }[];
  readonly missed: readonly { readonly at: string }[];
  readonly levels: readonly { readonly from: string; readonly to: string; readonly value: number }[];
  readonly changes: readonly {
    readonly at: string;
    readonly low: string;
    readonly high: string;
    readonly verdict: string;
  }[];
}

export function buildPanelData(
  report: HistoryHeader,
  series: HistorySeries,
  { factor }: AxisUnit,
): PanelData {
  const findTime = (run: number) => report.runs[run]?.started_at ?? "";
  const scaled = (value: number | null) => (value === null ? null : value * factor);
  const points = series.points.flatMap(({ run, value, low, high, segment }) =>
    value === null
      ? []
      : [{ at: findTime(run), value: value * factor, low: scaled(low), high: scaled(high), segment }],
  );
  return {
    points: points.length > MOST_WHISKERS ? thinned(points) : points,
    isDense: points.length > MOST_WHISKERS,
    failed: series.points.flatMap(({ run, value, status }) =>
      value === null ? [{ at: findTime(run), status: status.replaceAll("_", " ") }] : [],
    ),
    missed: report.missed_runs.map((at) => ({ at })),
    levels: series.levels.map(({ from_at, to_at, median }) => ({
      from: from_at,
      to: to_at,
      value: median * factor,
    })),
    changes: series.changes.map(({ at, at_low, at_high, verdict }) => ({
      at,
      low: at_low,
      high: at_high,
      verdict,
    })),
  };
}

type PanelPoint = PanelData["points"][number];

/** Merges consecutive runs of a segment into one point: their median, lowest low and highest high. */
function thinned(points: readonly PanelPoint[]): readonly PanelPoint[] {
  const size = Math.ceil(points.length / MOST_WHISKERS);
  const bySegment = new Map<number, PanelPoint[]>();
  for (const point of points) {
    const own = bySegment.get(point.segment);
    if (own === undefined) bySegment.set(point.segment, [point]);
    else own.push(point);
  }
  return [...bySegment.values()].flatMap((own) =>
    Array.from({ length: Math.ceil(own.length / size) }, (_, i): PanelPoint => {
      const group = own.slice(i * size, (i + 1) * size);
      const middle = group[Math.floor(group.length / 2)] ?? group[0];
      const lows = group.flatMap(({ low }) => low ?? []);
      const highs = group.flatMap(({ high }) => high ?? []);
      return {
        at: middle?.at ?? "",
        segment: middle?.segment ?? 0,
        value: computeMedian(group.map(({ value }) => value)) ?? 0,
        low: lows.length === 0 ? null : Math.min(...lows),
        high: highs.length === 0 ? null : Math.max(...highs),
      };
    }),
  );
}

/** Based on the medians, so that single slow trials do not flatten the levels. Values beyond the domain are drawn at the edge. */
export function yDomain(points: PanelData["points"]): readonly [number, number] {
  const values = points.map(({ value }) => value);
  const low = values.reduce((least, value) => Math.min(least, value), values[0] ?? 0);
  const high = values.reduce((most, value) => Math.max(most, value), low);
  const room = Math.max((high - low) * 0.35, Math.abs(high) * 0.02, 1e-12);
  return [Math.max(0, low - room), high + room];
}
