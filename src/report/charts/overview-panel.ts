import { statisticsOf } from "../../base/statistics.js";
import { COLORS, FULL_HEIGHT } from "./style.js";

/** One bar: the mean of `values`. */
export interface PanelBar {
  /** The row it belongs to. */
  readonly name: string;
  /** Which of the row's bars it is. */
  readonly slot: string;
  /** Said before the number; empty for nothing. */
  readonly word: string;
  readonly values: readonly number[];
  /** Whether the values are samples to be shown as dots. */
  readonly showValues: boolean;
}

export interface PanelInput {
  readonly title: string;
  readonly width: number;
  readonly rowHeight: number;
  readonly names: readonly string[];
  /** Only the first panel of a row of panels names the rows. */
  readonly showNames: boolean;
  readonly slots: readonly string[];
  readonly colors: Readonly<Record<string, string>>;
  readonly dotColor: string;
  readonly format: (value: number) => string;
  readonly bars: readonly PanelBar[];
  /** Rows without a bar, and what is said in its place. */
  readonly missing: readonly {
    readonly name: string;
    readonly note: readonly string[];
    /** Nothing went wrong: there is nothing to draw. */
    readonly isExpected?: boolean;
  }[];
  readonly reference: number | null;
}

const LABEL_FONT_SIZE = 11;
/** Of DejaVu Sans, in em; digits and lower case. */
const CHARACTER_EM = 0.62;
const LABEL_GAP = 7;
const NOTE_LINE_HEIGHT = 14;
/** Of the rows' names; `overviewChart` makes the rows high enough for them. */
export const NAME_LINE_HEIGHT = 13;
/** More dots than this on one bar are a smear. */
const MAX_DOTS = 200;

/** One panel of the overview, as a Vega-Lite unit of layers. */
export function overviewPanel(input: PanelInput) {
  const bars = input.bars.flatMap(({ name, slot, word, values, showValues }) => {
    const statistics = statisticsOf(values);
    if (statistics === null) return [];
    const { mean, max, ci95_low, ci95_high } = statistics;
    const number = input.format(mean);
    const label = word === "" ? number : `${word} ${number}`;
    return {
      name,
      slot,
      color: input.colors[slot] ?? COLORS.muted,
      mean,
      low: ci95_low,
      high: ci95_high,
      label,
      label_at: Math.max(showValues ? max : mean, mean, ci95_high ?? 0),
    };
  });
  const dots = input.bars.flatMap(({ name, slot, values, showValues }) =>
    showValues && values.length <= MAX_DOTS ? values.map((value) => ({ name, slot, value })) : [],
  );
  const x = (field: string) => ({ field, type: "quantitative" as const });
  const offset = input.slots.length > 1 ? { yOffset: { field: "slot", scale: { domain: input.slots } } } : {};
  const isEmpty = bars.length === 0;
  const barHeight = input.slots.length > 1 ? 15 : 20;
  return {
    title: {
      text: input.title,
      fontSize: 12,
      fontWeight: "normal",
      offset: 8,
      anchor: "start",
      frame: "group",
      limit: 0,
    },
    width: input.width,
    height: input.names.length * input.rowHeight,
    encoding: {
      y: {
        field: "name",
        type: "nominal" as const,
        scale: { domain: input.names, paddingInner: 0.2, paddingOuter: 0.1 },
        axis: { title: null, labels: false, ticks: false },
      },
    },
    layer: [
      {
        data: { values: bars },
        mark: { type: "bar" as const, height: barHeight },
        encoding: {
          x: {
            ...x("mean"),
            scale: { domain: [0, domainEnd(bars, input.width)], nice: false },
            axis: isEmpty
              ? { title: null, labels: false, ticks: false, grid: false }
              : { title: null, tickCount: 4, grid: true, labelFlush: false },
          },
          ...offset,
          color: { field: "color", scale: null },
          tooltip: [{ field: "name" }, { field: "label" }, x("low"), x("high")],
        },
      },
      ...(input.reference === null
        ? []
        : [
            {
              data: { values: [{ reference: input.reference }] },
              mark: { type: "rule" as const, color: COLORS.muted, strokeDash: [4, 3], strokeWidth: 1.2 },
              encoding: { x: x("reference"), ...FULL_HEIGHT },
            },
          ]),
      {
        data: { values: dots },
        mark: { type: "point" as const, filled: true, size: 16, color: input.dotColor, opacity: 0.55 },
        encoding: { x: x("value"), ...offset },
      },
      {
        data: { values: bars.filter((bar) => bar.low !== null) },
        mark: { type: "rule" as const, color: COLORS.text, strokeWidth: 1.4 },
        encoding: { x: x("low"), x2: { field: "high" }, ...offset },
      },
      ...(["low", "high"] as const).map((end) => ({
        data: { values: bars.filter((bar) => bar[end] !== null) },
        mark: { type: "tick" as const, color: COLORS.text, size: 8, thickness: 1.4 },
        encoding: { x: x(end), ...offset },
      })),
      ...textWithHalo(
        bars,
        { align: "left", dx: LABEL_GAP, color: COLORS.text },
        { x: x("label_at"), ...offset, text: { field: "label" } },
      ),
      ...textWithHalo(
        input.missing.map(({ name, note, isExpected }) => ({
          name,
          note,
          color: isExpected === true ? COLORS.muted : COLORS.failure,
          dy: centred(note.length, NOTE_LINE_HEIGHT),
        })),
        { align: "left", lineHeight: NOTE_LINE_HEIGHT, dy: { expr: "datum.dy" } },
        { x: { value: 6 }, text: { field: "note" }, color: { field: "color", scale: null } },
      ),
      ...(input.showNames ? [rowNames(input.names)] : []),
    ],
  };
}

/** Left of the plot. A text mark, because an axis centres only the first line of a name with several. */
function rowNames(names: readonly string[]) {
  const values = names.map((name) => {
    const lines = name.split("\n");
    return { name, lines, dy: centred(lines.length, NAME_LINE_HEIGHT) };
  });
  return {
    data: { values },
    mark: {
      type: "text" as const,
      align: "right" as const,
      baseline: "middle" as const,
      fontSize: LABEL_FONT_SIZE,
      lineHeight: NAME_LINE_HEIGHT,
      color: COLORS.text,
      dy: { expr: "datum.dy" },
    },
    encoding: { x: { value: -8 }, text: { field: "lines" } },
  };
}

/** How far to lift the first of several lines so that together they stand in the middle. */
function centred(lines: number, lineHeight: number): number {
  return (-(lines - 1) * lineHeight) / 2;
}

/** Text on a white outline, readable where lines run behind it. */
function textWithHalo(values: readonly object[], mark: object, encoding: object) {
  const text = { type: "text" as const, baseline: "middle" as const, fontSize: LABEL_FONT_SIZE, ...mark };
  const halo = { ...text, stroke: "white", strokeWidth: 4, strokeJoin: "round" as const };
  return [halo, text].map((layer) => ({ data: { values }, mark: layer, encoding }));
}

/** The smallest axis end at which every label fits between its bar and the panel's edge. */
function domainEnd(
  bars: readonly { readonly label: string; readonly label_at: number }[],
  width: number,
): number {
  const ends = bars.map(({ label, label_at }) => {
    const labelWidth = label.length * LABEL_FONT_SIZE * CHARACTER_EM + LABEL_GAP + 4;
    return label_at * (width / Math.max(width / 4, width - labelWidth));
  });
  return Math.max(0, ...ends) || 1;
}
