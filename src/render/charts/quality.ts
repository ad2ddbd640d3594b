/** Perplexity relative to the reference's: one row per configuration, one point per text with its interval; 1 means no loss. */
import type { TopLevelSpec } from "vega-lite";
import { charactersIn, namesWidth, rowNames, titleCharacters } from "./axis-headroom.js";
import { breakLines, CHART_HEAD, COLORS, FULL_HEIGHT, SERIES, shown } from "./style.js";

export interface QualityPoint {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  readonly text: string;
  /** This configuration's perplexity ÷ the reference's. */
  readonly ratio: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface QualityInput {
  readonly modelName: string;
  /** Each text keeps its colour and shape, whichever configurations are selected. */
  readonly texts: readonly string[];
  /** Says that weights are random and what follows from it; null if none are. */
  readonly randomNote: string | null;
  readonly rows: readonly QualityPoint[];
}

/** More texts than this could not be told apart. */
export const MOST_TEXTS = 8;
const WIDTH = 460;
const LABEL_CHARACTERS = 30;
const TEXT_HEIGHT = 13;
const SHAPES = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-left",
  "triangle-right",
];

/** `room`: width in pixels that the whole chart may take. */
export function qualityChart(
  { modelName, texts, randomNote, rows }: QualityInput,
  room?: number,
): TopLevelSpec {
  const characters =
    room === undefined ? LABEL_CHARACTERS : Math.min(LABEL_CHARACTERS, charactersIn(room * 0.32));
  const names = rowNames(rows, characters, 3);
  const width =
    room === undefined ? WIDTH : Math.max(140, Math.min(760, room - namesWidth(names.values()) - 72));
  const lineCharacters = room === undefined ? 100 : charactersIn(room - 28);
  const values = rows.map(({ label, ...row }) => ({
    ...row,
    label: names.get(row.configuration),
    name: label,
  }));
  const labels = [...new Set(names.values())];
  const range = texts.map((_, index) => SERIES[index % SERIES.length]);
  const legend =
    texts.length < 2
      ? null
      : {
          title: null,
          orient: "top",
          labelLimit: 0,
          columns: Math.max(1, Math.floor(width / 90)),
          symbolOpacity: 1,
        };
  const y = {
    field: "label",
    type: "nominal",
    scale: { domain: labels },
    axis: { title: null, labelExpr: "split(datum.label, '\\n')", ticks: false },
  };
  const offset = { yOffset: { field: "text", scale: { domain: texts, padding: 1 } } };
  const color = { field: "text", type: "nominal", scale: { domain: texts, range }, legend };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: breakLines("Perplexity ÷ reference perplexity, lower is better", charactersIn(width + 60, 12), 3),
    scale: { zero: false, padding: 12 },
    axis: { tickCount: Math.min(6, Math.floor(width / 60)), format: "~g" },
  });
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(
        `${modelName}: quality loss by text`,
        room === undefined ? 58 : titleCharacters(room - 28),
        3,
      ),
      subtitle: [
        "Point: perplexity as a ratio to the reference's · whisker: 95 % interval · dashed line: no loss",
        ...(randomNote === null ? [] : [randomNote]),
      ].flatMap((line) => breakLines(line, lineCharacters, 4)),
    },
    width,
    height: labels.length * Math.max(40, texts.length * TEXT_HEIGHT + 14),
    data: { values },
    layer: [
      {
        data: { values: [{ one: 1 }] },
        mark: { type: "rule", color: COLORS.muted, strokeDash: [4, 3] },
        encoding: { x: { field: "one", type: "quantitative" }, ...FULL_HEIGHT },
      },
      {
        transform: [{ filter: "datum.low !== null" }],
        mark: { type: "rule", strokeWidth: 1.6 },
        encoding: { x: x("low"), x2: { field: "high" }, y, ...offset, color },
      },
      {
        mark: { type: "point", filled: true, size: 52, opacity: 1 },
        encoding: {
          x: x("ratio"),
          y,
          ...offset,
          color,
          shape: {
            field: "text",
            type: "nominal",
            scale: { domain: texts, range: SHAPES.slice(0, texts.length) },
            legend,
          },
          tooltip: [
            shown("name", "configuration"),
            shown("text", "text"),
            shown("ratio", "× perplexity", ".3f"),
            shown("low", "95 % interval from", ".3f"),
            shown("high", "to", ".3f"),
          ],
        },
      },
    ],
  } as unknown as TopLevelSpec;
}
