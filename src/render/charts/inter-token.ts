/** Times from one token to the next: half of them lie within the thick bar, nine out of ten within the thin one. */
import type { TopLevelSpec } from "vega-lite";
import { charactersIn, namesWidth, rowNames, titleCharacters } from "./axis-headroom.js";
import { breakLines, CHART_HEAD, COLORS, shown } from "./style.js";

/** Times of one configuration, in milliseconds. */
export interface InterTokenRow {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  readonly p5: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p95: number;
  readonly max: number;
  readonly count: number;
}

export interface InterTokenInput {
  readonly modelName: string;
  readonly rows: readonly InterTokenRow[];
}

const ROW_HEIGHT = 44;
const WIDTH = 460;
const LABEL_CHARACTERS = 30;

/** `room`: width in pixels that the whole chart may take. */
export function interTokenChart({ modelName, rows }: InterTokenInput, room?: number): TopLevelSpec {
  const characters =
    room === undefined ? LABEL_CHARACTERS : Math.min(LABEL_CHARACTERS, charactersIn(room * 0.32));
  const names = rowNames(rows, characters, 3);
  const beside = namesWidth(names.values()) + 72;
  const width = room === undefined ? WIDTH : Math.max(140, Math.min(760, room - beside));
  const subtitleCharacters = room === undefined ? 100 : charactersIn(room - 28);
  const domain = [...new Set(names.values())];
  const values = rows.map(({ label, ...row }) => ({
    ...row,
    label: names.get(row.configuration),
    name: label,
    text: `${milliseconds(row.median)} ms`,
  }));
  const y = {
    field: "label",
    type: "nominal",
    // Room for the label above the first median.
    scale: { domain, paddingOuter: 0.25 },
    axis: { title: null, labelExpr: "split(datum.label, '\\n')", ticks: false, labelPadding: 6 },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: breakLines(
      "Time from one token to the next (ms), lower is better",
      charactersIn(width + 60, 12),
      3,
    ),
    scale: { zero: true },
    axis: { tickCount: Math.min(6, Math.floor(width / 60)) },
  });
  const tooltip = [
    shown("name", "configuration"),
    shown("median", "median (ms)", ".2f"),
    shown("p5", "5th percentile (ms)", ".2f"),
    shown("p95", "95th percentile (ms)", ".2f"),
    shown("max", "slowest (ms)", ".2f"),
    shown("count", "tokens", "d"),
  ];
  const bar = (low: string, high: string, size: number, color: string) => ({
    mark: { type: "bar", size, color, cornerRadius: 1 },
    encoding: { x: x(low), x2: { field: high }, y, tooltip },
  });
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(
        `${modelName}: inter-token times`,
        room === undefined ? 58 : titleCharacters(room - 28),
        3,
      ),
      subtitle: breakLines(
        "Box: 25th to 75th percentile · thin bar: 5th to 95th · line: median · dot: maximum",
        subtitleCharacters,
        4,
      ),
    },
    width,
    height: domain.length * ROW_HEIGHT,
    data: { values },
    layer: [
      bar("p5", "p95", 5, COLORS.timeBar),
      bar("p25", "p75", 17, COLORS.timeBar),
      {
        mark: { type: "point", filled: true, size: 22, color: COLORS.time, opacity: 0.8 },
        encoding: { x: x("max"), y, tooltip },
      },
      {
        mark: { type: "tick", color: COLORS.time, thickness: 2.4, size: 21 },
        encoding: { x: x("median"), y, tooltip },
      },
      {
        mark: {
          type: "text",
          baseline: "bottom",
          dy: -11,
          align: "left",
          fontSize: 10.5,
          color: COLORS.text,
        },
        encoding: { x: x("median"), y, text: { field: "text" } },
      },
    ],
  } as unknown as TopLevelSpec;
}

function milliseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
