/** How often how far a configuration's next token is from the reference's: the share of tokens beyond each divergence. */
import type { TopLevelSpec } from "vega-lite";
import { quantileOf } from "../../base/quantile.js";
import { safeLine } from "../../base/untrusted-text.js";
import type { RunData } from "../../results/run-data.js";
import { measurementOf } from "../quality.js";
import { natsText } from "../quality-text.js";
import { breakLines, CHART_HEAD, COLORS, SERIES } from "./style.js";

export interface TailPoint {
  readonly label: string;
  readonly kl: number;
  /** Of scored tokens, those that diverge at least as far. */
  readonly share: number;
}

/** A curve of more points is drawn no finer. */
const MOST_POINTS = 160;
/** Smaller divergences change no answer; they are drawn at the edge. */
const LEAST_NATS = 1e-4;
/** More curves than this cannot be told apart. */
const MOST_SERIES = 8;

/** A curve a configuration, from all its tokens; thinned evenly by rank, with the ends kept. */
export function tailPoints(label: string, klNats: readonly number[]): TailPoint[] {
  const sorted = klNats.toSorted((a, b) => b - a);
  const ranks = new Set<number>();
  const count = Math.min(MOST_POINTS, sorted.length);
  // Even steps on the logarithm: the tail is where the few are.
  for (let step = 0; step < count; step++) {
    ranks.add(Math.round(sorted.length ** (step / Math.max(1, count - 1))));
  }
  return [...ranks].map((rank) => ({
    label,
    kl: Math.max(LEAST_NATS, sorted[rank - 1] ?? 0),
    share: rank / sorted.length,
  }));
}

/** Null where no configuration was compared on the text. */
export function klTailsChart(data: RunData, textId: string): TopLevelSpec | null {
  const series = data.configurations
    .flatMap((configuration) => {
      const nats = measurementOf(configuration, textId)?.against_reference?.kl_nats ?? [];
      return nats.length === 0 ? [] : [{ label: shortened(safeLine(configuration.plan.worker.label)), nats }];
    })
    .slice(0, MOST_SERIES);
  if (series.length === 0) return null;
  const values = series.flatMap(({ label, nats }) => tailPoints(label, nats));
  const marks = series.flatMap(({ label, nats }, index) => {
    const sorted = nats.toSorted((a, b) => a - b);
    // A percentile beyond the last token is none.
    const known = [0.5, 0.9, 0.99].filter((probability) => 1 - probability >= 1 / nats.length);
    return known.map((probability) => {
      const kl = Math.max(LEAST_NATS, quantileOf(sorted, probability));
      return { label, kl, share: 1 - probability, text: natsText(kl), color: SERIES[index] };
    });
  });
  const domain = series.map(({ label }) => label);
  const color = {
    field: "label",
    type: "nominal",
    scale: { domain, range: SERIES.slice(0, domain.length) },
    legend: {
      title: null,
      orient: "top",
      labelLimit: 0,
      columns: legendColumns(domain),
      symbolStrokeWidth: 2.5,
    },
  };
  const x = {
    field: "kl",
    type: "quantitative",
    title: "KL divergence of a token at least … nats",
    scale: { type: "log" },
    axis: { format: "~g", tickCount: 6 },
  };
  const y = {
    field: "share",
    type: "quantitative",
    title: "Share of tokens",
    scale: { type: "log", domainMax: 1 },
    axis: { format: "~%", tickCount: 5 },
  };
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(`${safeLine(data.run.plan.model_name)}: how far answers stray, token by token`, 58, 3),
      subtitle: [
        `On ${safeLine(textId)}, against the reference; further left and lower is better`,
        "Dots: the median, the 90th and the 99th percentile, with their divergence",
      ],
    },
    width: WIDTH,
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
            scale: { domain, range: DASHES.slice(0, domain.length) },
            legend: color.legend,
          },
        },
      },
      {
        data: { values: marks },
        mark: { type: "point", filled: true, size: 46, opacity: 1 },
        encoding: { x, y, color: { field: "color", type: "nominal", scale: null } },
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
          ...(isHalo ? { stroke: "white", strokeWidth: 3.5, strokeJoin: "round" } : {}),
        },
        encoding: { x, y, text: { field: "text" } },
      })),
    ],
  } as unknown as TopLevelSpec;
}

const LONGEST_LABEL = 50;
const WIDTH = 520;
const LABEL_CHARACTER_PX = 7;
const SYMBOL_PX = 36;

/** A legend's entry is one line: the middle is left out, for labels differ at their ends. */
function shortened(label: string): string {
  if (label.length <= LONGEST_LABEL) return label;
  return `${label.slice(0, LONGEST_LABEL - 21)}…${label.slice(-20)}`;
}

function legendColumns(labels: readonly string[]): number {
  const longest = Math.max(...labels.map(({ length }) => length));
  return Math.max(1, Math.floor(WIDTH / (longest * LABEL_CHARACTER_PX + SYMBOL_PX)));
}

/** So that curves differ without colour as well. */
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [4, 2],
  [1, 3],
  [10, 4],
  [3, 1],
];
