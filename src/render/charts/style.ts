/** What all charts share: the font, the colours, and how long names are broken into lines. */

export const VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";
/** The font of the PNGs. An SVG that is opened without it falls back to Verdana, which has nearly the same widths. */
export const FONT = "DejaVu Sans, Verdana, sans-serif";

/** Red and blue can be told apart with every common colour blindness; in grey, shape and dash tell the series apart. */
export const COLORS = {
  memory: "#B5251D",
  weights: "#C9756D",
  peak: "#EFC3BE",
  timeBar: "#A9CBE6",
  speedBar: "#A3D6C7",
  qualityBar: "#D9C9A3",
  time: "#0064A6",
  speed: "#00795C",
  text: "#222222",
  muted: "#6B6B6B",
  failure: "#8A1C14",
  grid: "#E4E4E4",
} as const;

/** Colours for several series that can be told apart with every common colour blindness (Okabe and Ito), without the yellow. */
export const SERIES = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#56B4E9",
  "#E69F00",
  "#000000",
  "#6B6B6B",
] as const;

/** Dash patterns, so that series can be told apart without colour as well. */
export const DASHES: readonly (readonly number[])[] = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [4, 2],
  [1, 3],
  [10, 4],
  [3, 1],
];

/** The `config` of every spec. `limit: 0` everywhere: `breakLines` breaks names into lines, Vega never cuts them. */
export const CHART_CONFIG = {
  font: FONT,
  view: { stroke: "#BBBBBB" },
  title: {
    anchor: "start",
    fontSize: 14,
    fontWeight: "bold",
    color: COLORS.text,
    subtitleColor: COLORS.muted,
    subtitleFontSize: 11,
    subtitlePadding: 5,
    limit: 0,
    offset: 12,
  },
  axis: {
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: "normal",
    labelLimit: 0,
    titleLimit: 0,
    gridColor: COLORS.grid,
    domainColor: "#888888",
    tickColor: "#888888",
    labelColor: COLORS.text,
    titleColor: COLORS.text,
  },
  legend: { labelColor: COLORS.text, titleColor: COLORS.text },
} as const;

/** Draws a rule from edge to edge even if the layers share a row's `y`. `y: null` would too, but violates Vega-Lite's schema. */
export const FULL_HEIGHT = { y: { value: 0 }, y2: { value: "height" as const } };

/** The top-level properties that most charts start with. */
export const CHART_HEAD = {
  $schema: VEGA_LITE_SCHEMA,
  background: "white",
  padding: 14,
  config: CHART_CONFIG,
} as const;

/** Returns a field of a tooltip. */
export function shown(field: string, title: string, format?: string) {
  return format === undefined
    ? { field, type: "nominal" as const, title }
    : { field, type: "quantitative" as const, title, format };
}

/** Breaks text into lines of at most `width` characters, at spaces or after punctuation where possible. */
export function breakLines(text: string, width: number, maxLines: number): string[] {
  const lines: string[] = [];
  let rest = text.trim();
  while (rest.length > width) {
    const head = rest.slice(0, width + 1);
    const at = Math.max(head.lastIndexOf(" "), lastPunctuation(head.slice(0, width)) + 1);
    const cut = at >= width / 4 ? at : width;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  lines.push(rest);
  if (lines.length <= maxLines) return lines;
  // Labels differ at their ends more often than in their middles, so both ends are kept.
  if (maxLines < 3)
    return [`${text.trim().slice(0, width - 1)}…`, text.trim().slice(-width)].slice(0, maxLines);
  return [...lines.slice(0, maxLines - 2), `${lines[maxLines - 2] ?? ""} …`, lines.at(-1) ?? ""];
}

function lastPunctuation(text: string): number {
  return Math.max(...["/", "_", "-", ",", "="].map((mark) => text.lastIndexOf(mark)));
}
