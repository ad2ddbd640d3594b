/** How far a configuration's next-token prediction is from the reference's, and how often: the share of tokens beyond each KL. */

import type { TopLevelSpec } from "vega-lite";
import { formatNats } from "../../base/units.js";
import { charactersIn, titleCharacters } from "./axis-headroom.js";
import { breakLines, CHART_HEAD, COLORS, DASHES, SERIES, shown } from "./style.js";

export interface TailPoint {
  readonly kl: number;
  /** Share of the scored tokens that diverge at least this far. */
  readonly share: number;
}

export interface KlTailsRow {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  /** Index of its colour and dash, counted over all curves of the run. */
  readonly series: number;
  readonly points: readonly TailPoint[];
  /** Percentiles that are marked on the curve with their divergence. */
  readonly marks: readonly TailPoint[];
}

export interface KlTailsInput {
  readonly modelName: string;
  readonly textId: string;
  /** Says that weights are random and what follows from it; null if none are. */
  readonly randomNote: string | null;
  readonly rows: readonly KlTailsRow[];
}

/** `room`: width in pixels that the whole chart may take. */
export function klTailsChart(
  { modelName, textId, randomNote, rows }: KlTailsInput,
  room?: number,
): TopLevelSpec {
  const width = room === undefined ? WIDTH : Math.max(160, Math.min(760, room - BESIDE_PLOT));
  const taken = new Set<string>();
  const series = rows.map((row) => ({
    ...row,
    name: row.label,
    label: uniqueIn(taken, shortened(row.label, width)),
  }));
  const values = series.flatMap(({ points, configuration, name, label }) =>
    points.map((point) => ({ configuration, name, label, ...point })),
  );
  const marks = series.flatMap((row) =>
    row.marks.map((point) => ({
      configuration: row.configuration,
      name: row.name,
      label: row.label,
      ...point,
      text: point.kl < 0.001 ? formatNats(point.kl) : point.kl.toPrecision(3),
      color: SERIES[row.series],
    })),
  );
  const tooltip = [
    shown("name", "configuration"),
    shown("kl", "KL divergence of at least (nats)", ".3~g"),
    shown("share", "share of tokens", ".2~%"),
  ];
  const domain = series.map(({ label }) => label);
  const color = {
    field: "label",
    type: "nominal",
    scale: { domain, range: rows.map((row) => SERIES[row.series]) },
    legend: {
      title: null,
      orient: "top",
      labelLimit: 0,
      columns: legendColumns(domain, width),
      symbolStrokeWidth: 2.5,
    },
  };
  const x = {
    field: "kl",
    type: "quantitative",
    title: "KL divergence (nats)",
    scale: { type: "log" },
    axis: { format: "~g", tickCount: Math.min(6, Math.floor(width / 70)) },
  };
  const y = {
    field: "share",
    type: "quantitative",
    title: "Share of tokens with at least this KL",
    scale: { type: "log", domainMax: 1 },
    axis: { format: "~%", tickCount: 5 },
  };
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(
        `${modelName}: KL divergence per token`,
        room === undefined ? 58 : titleCharacters(width + BESIDE_PLOT - 28),
        3,
      ),
      subtitle: [
        `On ${textId}, against the reference; further left and lower is better`,
        "Dots: the median, the 90th and the 99th percentile, with their divergence",
        ...(randomNote === null ? [] : [randomNote]),
      ].flatMap((line) => breakLines(line, room === undefined ? 100 : charactersIn(width + 58), 3)),
    },
    width,
    height: 320,
    layer: [
      {
        data: { values },
        mark: { type: "line", strokeWidth: 2.2, interpolate: "linear" },
        encoding: {
          x,
          y,
          color,
          strokeDash: {
            field: "label",
            type: "nominal",
            scale: { domain, range: rows.map((row) => DASHES[row.series]) },
            legend: color.legend,
          },
          tooltip,
        },
      },
      {
        data: { values: marks },
        mark: { type: "point", filled: true, size: 46, opacity: 1 },
        encoding: { x, y, fill: { field: "color", type: "nominal", scale: null }, tooltip },
      },
      ...[true, false].map((isHalo) => ({
        data: { values: marks },
        mark: {
          type: "text",
          align: "left",
          dx: 7,
          dy: -8,
          fontSize: 10,
          color: COLORS.text,
          ...(isHalo ? { aria: false, stroke: "white", strokeWidth: 3.5, strokeJoin: "round" } : {}),
        },
        encoding: { x, y, text: { field: "text" } },
      })),
    ],
  } as unknown as TopLevelSpec;
}

const WIDTH = 520;
/** Pixels for the vertical axis and padding. */
const BESIDE_PLOT = 92;
const LONGEST_LABEL = 50;
const LABEL_CHARACTER_PX = 7;
const SYMBOL_PX = 36;

/** Shortens a label to one line of the legend. The middle is left out, because labels differ at their ends. */
function shortened(label: string, width: number): string {
  const longest = Math.min(LONGEST_LABEL, Math.floor((width - SYMBOL_PX) / LABEL_CHARACTER_PX));
  if (label.length <= longest) return label;
  const end = Math.floor(longest * 0.4);
  return `${label.slice(0, longest - end - 1)}…${label.slice(-end)}`;
}

function uniqueIn(taken: Set<string>, label: string): string {
  const unique = taken.has(label) ? `${label} #${taken.size + 1}` : label;
  taken.add(unique);
  return unique;
}

function legendColumns(labels: readonly string[], width: number): number {
  const longest = Math.max(...labels.map(({ length }) => length));
  return Math.max(1, Math.floor(width / (longest * LABEL_CHARACTER_PX + SYMBOL_PX)));
}
