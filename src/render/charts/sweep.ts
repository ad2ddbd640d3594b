/** Stacked panels over a numeric axis of the experiment, with one line for each combination of the other axes. */
import type { TopLevelSpec } from "vega-lite";
import { charactersIn, titleCharacters } from "./axis-headroom.js";
import { breakLines, CHART_CONFIG, COLORS, DASHES, SERIES, shown, VEGA_LITE_SCHEMA } from "./style.js";

/** One configuration, which is one point of a series. */
export interface SweepRow {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  /** Name of what sets it apart besides the swept axis: `nf4`. */
  readonly series: string;
  /** Index of its colour and dash, counted over all series of the run. */
  readonly color: number;
  /** Its value on the swept axis. */
  readonly x: number;
  /** Values by panel key; null if not measured. */
  readonly values: Readonly<Record<string, Range | null>>;
  /** Why there are no values; null if there are any. */
  readonly failure: string | null;
}

/** Median over trials; `low` and `high` are the smallest and the largest, null for a single trial. */
export interface Range {
  readonly median: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface SweepPanel {
  /** Key into the rows' `values`. */
  readonly key: string;
  /** Title of the vertical axis. */
  readonly title: string;
  /** What the panel shows, in the chart's subtitle. */
  readonly what: string;
  /** d3 number format for the tooltip. */
  readonly format: string;
}

export interface SweepInput {
  readonly modelName: string;
  readonly panels: readonly SweepPanel[];
  readonly rows: readonly SweepRow[];
}

export interface SweepWords {
  /** Follows the model's name. */
  readonly title: string;
  /** Title of the horizontal axis. */
  readonly x: string;
  /** The axis is logarithmic if this is left out. */
  readonly isLinear?: boolean;
}

const WIDTH = 520;
const PANEL_HEIGHT = 210;
const PADDING = 14;
/** Pixels for the vertical axis and padding. */
const BESIDE_PLOT = 92;
const LONGEST_LABEL = 50;
const SYMBOL_PX = 36;
const LABEL_CHARACTER_PX = 7;
/** Crosses for unmeasured configurations stand side by side at the bottom, this many pixels apart. */
const CROSS_PX = 9;

/** `room`: width in pixels that the whole chart may take. */
export function sweepChart(input: SweepInput, words: SweepWords, room?: number): TopLevelSpec {
  const { modelName, panels, rows } = input;
  const width = room === undefined ? WIDTH : Math.max(160, Math.min(760, room - BESIDE_PLOT));
  const longestName = Math.min(LONGEST_LABEL, Math.floor((width - SYMBOL_PX) / LABEL_CHARACTER_PX));
  const names = nameSeries(rows, longestName);
  const values = rows.map(({ values: own, ...row }) => ({
    ...row,
    name: row.label,
    label: names.get(row.series),
    hex: SERIES[row.color % SERIES.length],
    ...Object.fromEntries(
      panels.flatMap(({ key }) => [
        [key, own[key]?.median ?? null],
        [`${key}_low`, own[key]?.low ?? null],
        [`${key}_high`, own[key]?.high ?? null],
      ]),
    ),
  }));
  const places = [...new Set(rows.map((row) => row.x))].toSorted((a, b) => a - b);
  const [least = 1, most = least] = [places[0], places.at(-1)];
  const x = {
    field: "x",
    type: "quantitative",
    title: words.x,
    scale: words.isLinear
      ? { type: "linear", domain: [least - (most - least) / 20, most + (most - least) / 20], nice: false }
      : { type: "log", base: 2, domain: [least / 1.2, most * 1.2], nice: false },
    axis: { values: places, format: "d", grid: false },
  };
  const domain = [...names.values()];
  const colors = new Map(rows.map((row) => [names.get(row.series), row.color]));
  const pick = <V>(from: readonly V[]) => domain.map((name) => from[(colors.get(name) ?? 0) % from.length]);
  const longest = Math.max(...domain.map(({ length }) => length));
  const legend = {
    title: null,
    orient: "top",
    labelLimit: 0,
    columns: Math.max(1, Math.floor(width / (longest * LABEL_CHARACTER_PX + SYMBOL_PX))),
    symbolStrokeWidth: 2.2,
  };
  const color = { field: "label", type: "nominal", scale: { domain, range: pick(SERIES) }, legend };
  const strokeDash = { field: "label", type: "nominal", scale: { domain, range: pick(DASHES) }, legend };
  // Not `color`: points encoded with it would add their own marks to the legend.
  const fill = { field: "hex", type: "nominal", scale: null };
  const tooltip = [
    shown("name", "configuration"),
    shown("x", words.x, "d"),
    ...panels.map(({ key, title, format }) => shown(key, title, format)),
    shown("failure", "not measured"),
  ];
  const draw = ({ key, title }: SweepPanel) => ({
    width,
    height: PANEL_HEIGHT,
    layer: [
      {
        transform: [{ filter: `datum.${key}_low !== null` }],
        mark: { type: "rule", strokeWidth: 1.3, color: COLORS.muted },
        encoding: { x, y: axis(`${key}_low`, title), y2: { field: `${key}_high` } },
      },
      {
        transform: [{ filter: `datum.${key} !== null` }],
        mark: { type: "line", strokeWidth: 2.2 },
        encoding: { x, y: axis(key, title), color, strokeDash },
      },
      {
        transform: [{ filter: `datum.${key} !== null` }],
        mark: { type: "point", filled: true, size: 55, opacity: 1 },
        encoding: { x, y: axis(key, title), fill, tooltip },
      },
      {
        transform: [{ filter: "datum.failure !== null" }],
        mark: {
          type: "point",
          shape: "cross",
          angle: 45,
          filled: true,
          size: 70,
          opacity: 1,
          yOffset: -6,
          xOffset: { expr: `datum.color * ${CROSS_PX}` },
        },
        encoding: { x, y: { value: PANEL_HEIGHT }, fill, tooltip },
      },
    ],
  });
  const characters = room === undefined ? 100 : charactersIn(room - 2 * PADDING);
  const haveFailures = rows.some(({ failure }) => failure !== null);
  return {
    $schema: VEGA_LITE_SCHEMA,
    background: "white",
    padding: PADDING,
    config: { ...CHART_CONFIG, concat: { spacing: 20 } },
    title: {
      text: breakLines(
        `${modelName}: ${words.title}`,
        room === undefined ? 58 : titleCharacters(room - 2 * PADDING),
        3,
      ),
      subtitle: breakLines(
        [
          ...panels.map(({ what }, index) => `${namePlace(index, panels.length)}: ${what}`),
          "point: median over trials",
          "whisker: smallest to largest",
          ...(haveFailures ? ["cross at the bottom: not measured"] : []),
        ].join(" · "),
        characters,
        4,
      ),
    },
    data: { values },
    vconcat: panels.map(draw),
  } as unknown as TopLevelSpec;
}

const ORDINALS = ["first", "second", "third"];

function namePlace(index: number, count: number): string {
  if (index === 0) return "Above";
  if (index === count - 1) return "below";
  return count > 3 ? (ORDINALS[index] ?? "between") : "between";
}

function axis(field: string, title: string) {
  return {
    field,
    type: "quantitative",
    title: breakLines(title, charactersIn(PANEL_HEIGHT, 12), 3),
    scale: { zero: true },
    axis: { tickCount: 5 },
  };
}

/** Maps each series to its legend entry, which is one line: a long name loses its middle. */
function nameSeries(rows: readonly SweepRow[], longest: number): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { series } of rows) {
    if (names.has(series)) continue;
    const end = Math.floor(longest * 0.4);
    const short =
      series.length <= longest ? series : `${series.slice(0, longest - end - 1)}…${series.slice(-end)}`;
    names.set(series, [...names.values()].includes(short) ? `${short} #${names.size + 1}` : short);
  }
  return names;
}
