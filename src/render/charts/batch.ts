/** What more answers at once bring and take: tokens a second of all rows, and memory, over the batch size. */
import type { TopLevelSpec } from "vega-lite";
import { charactersIn, titleCharacters } from "./axis-headroom.js";
import { breakLines, CHART_CONFIG, COLORS, DASHES, SERIES, shown, VEGA_LITE_SCHEMA } from "./style.js";

/** A configuration: one batch size of a series. */
export interface BatchRow {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  /** What else tells it from others: `nf4`. */
  readonly series: string;
  /** Which colour and dash it has, among all of the run. */
  readonly color: number;
  readonly batchSize: number;
  /** All rows together; null where it was not measured. */
  readonly tokensPerSec: Range | null;
  readonly rowTokensPerSec: number | null;
  readonly memoryGb: Range | null;
  /** Why there are no values; null where there are. */
  readonly failure: string | null;
}

/** Median over trials; smallest and largest where there are several. */
export interface Range {
  readonly median: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface BatchInput {
  readonly modelName: string;
  /** `Peak RSS`. */
  readonly memoryName: string;
  readonly rows: readonly BatchRow[];
}

const WIDTH = 520;
const PANEL_HEIGHT = 210;
const PADDING = 14;
/** Vertical axis and padding. */
const BESIDE_PLOT = 92;
const LONGEST_LABEL = 50;
const SYMBOL_PX = 36;
const LABEL_CHARACTER_PX = 7;
/** Crosses of failures stand beside one another at the foot. */
const CROSS_PX = 9;

/** `room`: pixels that the whole may take. */
export function batchChart({ modelName, memoryName, rows }: BatchInput, room?: number): TopLevelSpec {
  const width = room === undefined ? WIDTH : Math.max(160, Math.min(760, room - BESIDE_PLOT));
  const names = nameSeries(
    rows,
    Math.min(LONGEST_LABEL, Math.floor((width - SYMBOL_PX) / LABEL_CHARACTER_PX)),
  );
  const values = rows.map(({ tokensPerSec, memoryGb, ...row }) => ({
    ...row,
    name: row.label,
    label: names.get(row.series),
    hex: SERIES[row.color % SERIES.length],
    rate: tokensPerSec?.median ?? null,
    rateLow: tokensPerSec?.low ?? null,
    rateHigh: tokensPerSec?.high ?? null,
    memory: memoryGb?.median ?? null,
    memoryLow: memoryGb?.low ?? null,
    memoryHigh: memoryGb?.high ?? null,
  }));
  const sizes = [...new Set(rows.map(({ batchSize }) => batchSize))].toSorted((a, b) => a - b);
  const [least = 1, most = least] = [sizes[0], sizes.at(-1)];
  const x = {
    field: "batchSize",
    type: "quantitative",
    title: "Batch size: answers at once",
    scale: { type: "log", base: 2, domain: [least / 1.2, most * 1.2], nice: false },
    axis: { values: sizes, format: "d", grid: false },
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
  // Points would put their own marks into the legend.
  const fill = { field: "hex", type: "nominal", scale: null };
  const tooltip = [
    shown("name", "configuration"),
    shown("batchSize", "batch size", "d"),
    shown("rate", "tokens/s, all rows", ".1f"),
    shown("rowTokensPerSec", "tokens/s of a row", ".1f"),
    shown("memory", `${memoryName} (GB)`, ".3f"),
    shown("failure", "failed"),
  ];
  const panel = (field: string, low: string, high: string, title: string) => ({
    width,
    height: PANEL_HEIGHT,
    layer: [
      {
        transform: [{ filter: `datum.${low} !== null` }],
        mark: { type: "rule", strokeWidth: 1.3, color: COLORS.muted },
        encoding: { x, y: axis(low, title), y2: { field: high } },
      },
      {
        transform: [{ filter: `datum.${field} !== null` }],
        mark: { type: "line", strokeWidth: 2.2 },
        encoding: { x, y: axis(field, title), color, strokeDash },
      },
      {
        transform: [{ filter: `datum.${field} !== null` }],
        mark: { type: "point", filled: true, size: 55, opacity: 1 },
        encoding: { x, y: axis(field, title), fill, tooltip },
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
        `${modelName}: several answers at once`,
        room === undefined ? 58 : titleCharacters(room - 2 * PADDING),
        3,
      ),
      subtitle: breakLines(
        `Above: tokens decoded in a second, all rows together · below: memory · point: median over trials · whisker: smallest to largest${haveFailures ? " · cross at the foot: failed" : ""}`,
        characters,
        4,
      ),
    },
    data: { values },
    vconcat: [
      panel("rate", "rateLow", "rateHigh", "Tokens/s, all rows"),
      panel("memory", "memoryLow", "memoryHigh", `${memoryName} (GB)`),
    ],
  } as unknown as TopLevelSpec;
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

/** Series → its entry of the legend, one line: of a long one the middle is left out. */
function nameSeries(rows: readonly BatchRow[], longest: number): ReadonlyMap<string, string> {
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
