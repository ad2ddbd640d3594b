/** One configuration's panel: the values of runs, levels, changes, and runs that failed or did not start. */
import type { HistoryHeader } from "../../analysis/history/history-types.js";
import { type AxisUnit, type PanelData, yDomain } from "./history-panel-data.js";
import { COLORS } from "./style.js";

export const PANEL_WIDTH = 680;
const PANEL_HEIGHT = 110;
const MS_PER_DAY = 86_400_000;

export interface TimeAxis {
  readonly domain: readonly [string, string];
  readonly format: string;
}

/** Returns an axis over all runs, with room at both ends; a single run stands in the middle. */
export function timeAxis({ runs, missed_runs }: Pick<HistoryHeader, "runs" | "missed_runs">): TimeAxis {
  const times = [...runs.map(({ started_at }) => started_at), ...missed_runs].map((at) => Date.parse(at));
  const first = times.reduce((least, time) => Math.min(least, time), times[0] ?? 0);
  const last = times.reduce((most, time) => Math.max(most, time), first);
  const room = Math.max((last - first) * 0.03, last === first ? MS_PER_DAY / 2 : 60_000);
  const domain = [first - room, last + room].map((time) => new Date(time).toISOString());
  const isShort = last - first < 4 * MS_PER_DAY;
  return { domain: [domain[0] ?? "", domain[1] ?? ""], format: isShort ? "%m-%d %H:%M" : "%Y-%m-%d" };
}

export function encodeTime(field: string, axis: TimeAxis, isShown = false) {
  return {
    field,
    type: "temporal",
    scale: { type: "utc", domain: axis.domain },
    axis: isShown
      ? { title: null, format: axis.format, tickCount: 6, labelOverlap: true, grid: false }
      : { title: null, labels: false, ticks: false, grid: false, domain: false },
  };
}

interface PanelOptions {
  readonly unit: AxisUnit;
  readonly isLast: boolean;
  /** Times of the events: the machine, libraries or program changed, or a series starts over. */
  readonly marks: readonly string[];
}

export function historyPanel(data: PanelData, axis: TimeAxis, options: PanelOptions) {
  const domain = yDomain(data.points);
  const y = (field: string) => ({
    field,
    type: "quantitative",
    // `clamp` draws values beyond the domain at the edge. Clipping would do the same, but a picture would take twice as long.
    scale: { domain, zero: false, nice: false, clamp: true },
    axis: { title: options.unit.title, tickCount: 4, titleFontSize: 11 },
  });
  const x = (field: string) => encodeTime(field, axis, options.isLast);
  const verdictColor = {
    field: "verdict",
    type: "nominal",
    scale: { domain: ["worse", "better"], range: [COLORS.failure, COLORS.speed] },
    legend: null,
  };
  const foot = (offset: number) => ({ value: PANEL_HEIGHT - offset });
  return {
    width: PANEL_WIDTH,
    height: PANEL_HEIGHT,
    // Layers without data are filtered out, because Vega takes as long for a layer without marks as for one with a few.
    layer: [
      {
        data: { values: options.marks.map((at) => ({ at })) },
        mark: { type: "rule", color: COLORS.muted, strokeDash: [4, 3] },
        encoding: { x: x("at") },
      },
      {
        data: { values: data.changes },
        mark: { type: "rect", fillOpacity: 0.14 },
        encoding: { x: x("low"), x2: { field: "high" }, color: verdictColor },
      },
      {
        data: { values: data.changes },
        mark: { type: "rule", strokeWidth: 1.6 },
        encoding: { x: x("at"), color: verdictColor },
      },
      ...(data.isDense ? denseLayers(data, x, y) : sparseLayers(data, x, y)),
      {
        data: { values: data.levels },
        mark: { type: "rule", color: COLORS.text, strokeWidth: 1.6, strokeOpacity: 0.75 },
        encoding: { x: x("from"), x2: { field: "to" }, y: y("value") },
      },
      {
        data: { values: data.missed },
        mark: { type: "tick", orient: "vertical", color: COLORS.muted, thickness: 1.5, size: 9 },
        encoding: { x: x("at"), y: foot(5) },
      },
      {
        data: { values: data.failed },
        mark: {
          type: "point",
          shape: "cross",
          angle: 45,
          filled: true,
          size: 45,
          opacity: 1,
          color: COLORS.failure,
        },
        encoding: { x: x("at"), y: foot(6), tooltip: [{ field: "at" }, { field: "status" }] },
      },
    ].filter(({ data: { values } }) => values.length > 0),
  };
}

type Encode = (field: string) => object;

function sparseLayers({ points }: PanelData, x: Encode, y: Encode) {
  return [
    {
      data: { values: points.filter(({ low, high }) => low !== null && high !== null) },
      mark: { type: "rule", color: COLORS.timeBar, strokeWidth: 1.5 },
      encoding: { x: x("at"), y: y("low"), y2: { field: "high" } },
    },
    {
      data: { values: points },
      mark: {
        type: "point",
        filled: true,
        size: points.length > 100 ? 14 : 32,
        color: COLORS.time,
        opacity: 1,
      },
      encoding: {
        x: x("at"),
        y: y("value"),
        tooltip: [{ field: "at" }, { field: "value", format: ".4~g" }],
      },
    },
  ];
}

/** Points of different segments are not joined, because they cannot be compared. */
function denseLayers({ points }: PanelData, x: Encode, y: Encode) {
  const bySegment = { field: "segment", type: "nominal" };
  return [
    {
      data: { values: points.filter(({ low, high }) => low !== null && high !== null) },
      mark: { type: "area", color: COLORS.timeBar, fillOpacity: 0.6 },
      encoding: { x: x("at"), y: y("low"), y2: { field: "high" }, detail: bySegment },
    },
    {
      data: { values: points },
      mark: { type: "line", color: COLORS.time, strokeWidth: 1 },
      encoding: { x: x("at"), y: y("value"), detail: bySegment },
    },
  ];
}
