/**
 * Memory × speed × quality in one picture: one point per configuration, with weights to the right, tokens per second upwards,
 * and the divergence from the reference as its colour. A point that no other one beats in all three (Pareto) is ringed; the line
 * is the frontier of weights and speed, one for each model.
 */

import type { TopLevelSpec } from "vega-lite";
import { formatNats } from "../../base/units.js";
import { charactersIn, titleCharacters } from "./axis-headroom.js";
import { breakLines, CHART_HEAD, COLORS, shown } from "./style.js";

export interface TradeoffPoint {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  readonly weightsGb: number;
  readonly tokensPerSec: number;
  readonly low: number | null;
  readonly high: number | null;
  /** KL divergence from the reference on the first text, nats; 0 for the reference; null if not measured. */
  readonly kl: number | null;
  readonly isReference: boolean;
  /** Id of the configuration that it is compared with; each model has its own frontier. */
  readonly reference: string | null;
  readonly isOptimal: boolean;
}

export interface TradeoffInput {
  readonly modelName: string;
  /** Id of the text that divergences are measured on; null without one. */
  readonly textId: string | null;
  /** Says that weights are random and what follows from it; null if none are. */
  readonly randomNote: string | null;
  /** Whether any configuration answers several prompts at once; the rate is then that of all rows together. */
  readonly hasBatches: boolean;
  readonly rows: readonly TradeoffPoint[];
}

type ComparedValues = Pick<TradeoffPoint, "weightsGb" | "tokensPerSec" | "kl">;

/** Whether `a` is at least as good as `b` in every value that both have, and better in at least one. */
export function dominates(a: ComparedValues, b: ComparedValues): boolean {
  const haveKl = a.kl !== null && b.kl !== null;
  const isAsGood =
    a.weightsGb <= b.weightsGb && a.tokensPerSec >= b.tokensPerSec && (!haveKl || (a.kl ?? 0) <= (b.kl ?? 0));
  const isBetter =
    a.weightsGb < b.weightsGb || a.tokensPerSec > b.tokensPerSec || (haveKl && (a.kl ?? 0) < (b.kl ?? 0));
  return isAsGood && isBetter;
}

/** Ends of the axes and of the colour scale, taken over all configurations so that they stay the same when some are hidden. */
export interface TradeoffScales {
  readonly xEnd: number;
  readonly yEnd: number;
  readonly mostKl: number;
}

/** A single slow or fast trial must not flatten everything else: whiskers are cut off at this many times the fastest median. */
const MOST_ABOVE_MEDIANS = 1.6;

export function measureScales(points: readonly TradeoffPoint[]): TradeoffScales {
  const fastest = Math.max(0, ...points.map(({ tokensPerSec }) => tokensPerSec));
  const highest = Math.max(fastest, ...points.map(({ high }) => high ?? 0));
  return {
    xEnd: 1.12 * Math.max(0, ...points.map(({ weightsGb }) => weightsGb)),
    yEnd: 1.15 * Math.min(highest, fastest * MOST_ABOVE_MEDIANS),
    mostKl: Math.max(0, ...points.map(({ kl }) => kl ?? 0)),
  };
}

const WIDTH = 520;
const HEIGHT = 340;
const LABEL_FONT_SIZE = 11;
const LINE_HEIGHT = 14;

/** Pixels for the vertical axis and padding, and for the legend if there is one. */
const BESIDE_PLOT = 78;
const LEGEND = 92;
/** With more points than this, only the ringed ones have a label; tooltips name the others. */
const MOST_LABELS = 8;

/** `room`: width in pixels that the whole chart may take. */
export function tradeoffChart(
  input: TradeoffInput,
  room?: number,
  scales: TradeoffScales = measureScales(input.rows),
): TopLevelSpec {
  const { rows: points, textId } = input;
  const hasKl = points.some(({ kl }) => kl !== null);
  const beside = BESIDE_PLOT + (hasKl ? LEGEND : 0);
  const width = room === undefined ? WIDTH : Math.max(160, Math.min(760, room - beside));
  const { xEnd, yEnd, mostKl } = scales;
  const labels = placeLabels(points, xEnd, yEnd, width);
  const values = points.map((point, index) => ({ ...point, ...labels[index] }));
  const x = {
    field: "weightsGb",
    type: "quantitative",
    title: "Weights (GB), lower is better",
    axis: { tickCount: Math.min(5, Math.floor(width / 70)) },
    scale: { domain: [0, xEnd], nice: false },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative",
    title: `Decoding${input.hasBatches ? ", all rows" : ""} (tokens/s), higher is better`,
    axis: { tickCount: 6 },
    scale: { domain: [0, yEnd], nice: false },
  });
  const text = {
    type: "text",
    fontSize: LABEL_FONT_SIZE,
    lineHeight: LINE_HEIGHT,
    baseline: "middle",
    align: { expr: "datum.align" },
    dx: { expr: "datum.dx" },
    dy: { expr: "datum.dy" },
    color: COLORS.text,
  };
  const written = { x, y: y("tokensPerSec"), text: { field: "lines" } };
  const characters = room === undefined ? 100 : charactersIn(width + beside - 28);
  const titleWidth = room === undefined ? 58 : titleCharacters(width + beside - 28);
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(`${input.modelName}: ${tradeoffTitle(hasKl)}`, titleWidth, 3),
      subtitle: [
        ...breakLines(
          `Point: median over trials · whisker: slowest to fastest trial · outlined: Pareto-optimal, nothing else is at least as good in ${hasKl ? "all three" : "both"} · dashed line: the frontier of weights and speed`,
          characters,
          4,
        ),
        ...(hasKl && textId !== null
          ? breakLines(`Colour: KL divergence from the reference on ${textId}, nats per token`, characters, 3)
          : []),
        ...(hasKl && input.randomNote !== null ? breakLines(input.randomNote, characters, 2) : []),
      ],
    },
    width,
    height: HEIGHT,
    layer: [
      {
        data: { values: listFrontiers(points, xEnd) },
        mark: {
          type: "line",
          interpolate: "step-after",
          clip: true,
          color: COLORS.muted,
          strokeWidth: 1.2,
          strokeDash: [5, 4],
        },
        encoding: { x, y: y("tokensPerSec"), detail: { field: "reference", type: "nominal" } },
      },
      {
        data: { values: values.filter(({ low }) => low !== null) },
        mark: { type: "rule", clip: true, color: COLORS.muted, strokeWidth: 1.3 },
        encoding: { x, y: y("low"), y2: { field: "high" } },
      },
      {
        data: { values: values.filter(({ isOptimal }) => isOptimal) },
        mark: {
          type: "point",
          filled: false,
          aria: false,
          size: 380,
          opacity: 1,
          stroke: COLORS.text,
          strokeWidth: 1.6,
        },
        encoding: { x, y: y("tokensPerSec") },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, size: 190, opacity: 1, stroke: "#BBBBBB", strokeWidth: 1 },
        encoding: {
          x,
          y: y("tokensPerSec"),
          fill: hasKl
            ? {
                field: "kl",
                type: "quantitative",
                title: "KL (nats)",
                scale: {
                  type: "sqrt",
                  scheme: "viridis",
                  reverse: true,
                  domain: [0, mostKl === 0 ? 1 : mostKl],
                },
                legend: { gradientLength: 140, tickCount: 4 },
              }
            : { value: COLORS.speed },
          tooltip: [
            shown("label", "configuration"),
            shown("weightsGb", "weights (GB)", ".3f"),
            shown("tokensPerSec", "tokens/s", ".1f"),
            ...(hasKl ? [shown("kl", "KL (nats)", ".3~g")] : []),
          ],
        },
      },
      {
        data: { values },
        mark: { ...text, aria: false, stroke: "white", strokeWidth: 4, strokeJoin: "round" },
        encoding: written,
      },
      { data: { values }, mark: text, encoding: written },
    ],
  } as unknown as TopLevelSpec;
}

/** Leaves out quality if the run has no scored text. */
export function tradeoffTitle(hasKl: boolean): string {
  return hasKl ? "memory, speed and quality" : "memory and speed";
}

type FrontierPoint = Pick<TradeoffPoint, "reference" | "weightsGb" | "tokensPerSec">;

/**
 * Returns, for each model from small to large, the points that are faster than everything smaller. The line rises from the axis
 * to the first point and runs on from the last one to the edge: every point below it is beaten in weights and speed.
 */
export function listFrontiers(points: readonly TradeoffPoint[], xEnd: number): FrontierPoint[] {
  const references = [...new Set(points.map((point) => point.reference))];
  return references.flatMap((reference) => {
    const own = points
      .filter((point) => point.reference === reference)
      .toSorted((a, b) => a.weightsGb - b.weightsGb || b.tokensPerSec - a.tokensPerSec);
    const steps: FrontierPoint[] = [];
    for (const { weightsGb, tokensPerSec } of own) {
      if (tokensPerSec > (steps.at(-1)?.tokensPerSec ?? 0))
        steps.push({ reference, weightsGb, tokensPerSec });
    }
    const [first, last] = [steps[0], steps.at(-1)];
    if (first === undefined || last === undefined) return [];
    return [{ ...first, tokensPerSec: 0 }, ...steps, { ...last, weightsGb: xEnd }];
  });
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const POINT_RADIUS = 12;
const LABEL_GAP = 16;
/** Character width of DejaVu Sans in em, for digits and lower case. */
const CHARACTER_EM = 0.63;
const MOST_SHIFTS = 24;
const NO_LABEL = { lines: [] as string[], align: "left" as "left" | "right", dx: 0, dy: 0 };

/** Places each point's label beside it, moved up or down or to the other side until it overlaps nothing else. */
function placeLabels(points: readonly TradeoffPoint[], xEnd: number, yEnd: number, plotWidth: number) {
  const centres = points.map(({ weightsGb, tokensPerSec }) => ({
    x: (weightsGb / xEnd) * plotWidth,
    y: (1 - tokensPerSec / yEnd) * HEIGHT,
  }));
  const taken: Box[] = centres.map(({ x, y }) => ({
    left: x - POINT_RADIUS,
    right: x + POINT_RADIUS,
    top: y - POINT_RADIUS,
    bottom: y + POINT_RADIUS,
  }));
  return points.map((point, index) => {
    if (points.length > MOST_LABELS && !point.isOptimal) return NO_LABEL;
    const { x, y } = centres[index] ?? { x: 0, y: 0 };
    const lines = breakLabel(point);
    const width = Math.max(...lines.map(({ length }) => length)) * LABEL_FONT_SIZE * CHARACTER_EM;
    const height = lines.length * LINE_HEIGHT;
    const boxAt = (align: "left" | "right", shift: number): Box => ({
      left: align === "left" ? x + LABEL_GAP : x - LABEL_GAP - width,
      right: align === "left" ? x + LABEL_GAP + width : x - LABEL_GAP,
      top: y + shift - height / 2,
      bottom: y + shift + height / 2,
    });
    const candidates = Array.from(
      { length: MOST_SHIFTS },
      (_, step) => Math.ceil(step / 2) * (step % 2 === 0 ? 1 : -1) * 8,
    ).flatMap((shift) =>
      (["left", "right"] as const).map((align) => ({ align, shift, box: boxAt(align, shift) })),
    );
    const free = candidates.find(
      ({ box }) =>
        box.left >= 2 &&
        box.right <= plotWidth - 2 &&
        box.top >= 2 &&
        box.bottom <= HEIGHT - 2 &&
        !taken.some((other) => overlaps(box, other)),
    );
    // A point without a free place gets no label; its tooltip still names it.
    if (free === undefined) return NO_LABEL;
    taken.push(free.box);
    return {
      lines,
      align: free.align,
      dx: free.align === "left" ? LABEL_GAP : -LABEL_GAP,
      dy: free.shift - ((lines.length - 1) * LINE_HEIGHT) / 2,
    };
  });
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function breakLabel(point: TradeoffPoint): string[] {
  const name = breakLines(`${point.label}${point.isReference ? " (reference)" : ""}`, 26, 3);
  return point.kl === null || point.isReference ? name : [...name, `KL ${formatNats(point.kl)}`];
}
