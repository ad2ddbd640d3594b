import { computeStatistics } from "../../base/statistics.js";
import { axisEndFor, charactersIn, LABEL_FONT_SIZE } from "./axis-headroom.js";
import { breakLines, COLORS, FULL_HEIGHT, shown } from "./style.js";

/** What a bar and its whisker show. */
export interface PanelStatistics {
  /** For trials, their median. */
  readonly value: number;
  /** Ends of the whisker; null if there is none. */
  readonly low: number | null;
  readonly high: number | null;
}

/** One bar, with its whisker. */
export interface PanelBar {
  /** Id. */
  readonly configuration: string;
  /** The row it belongs to. */
  readonly name: string;
  /** Which of the row's bars it is. */
  readonly slot: string;
  /** Written before the number; empty for no word. */
  readonly word: string;
  readonly statistics: PanelStatistics;
  /** Samples to be shown as dots. */
  readonly dots: readonly number[];
}

/** Returns the bar of samples, which are also its dots; an empty list without samples. */
export function buildBar(
  row: { readonly configuration: string; readonly name: string },
  slot: string,
  word: string,
  samples: readonly number[],
): PanelBar[] {
  const statistics = computeStatistics(samples);
  const { configuration, name } = row;
  if (statistics === null) return [];
  const { median, min, max } = statistics;
  const range = min < max ? { low: min, high: max } : { low: null, high: null };
  return [{ configuration, name, slot, word, statistics: { value: median, ...range }, dots: samples }];
}

export interface PanelName {
  /** Id. */
  readonly configuration: string;
  /** Lines separated by `\n`; unique. */
  readonly name: string;
}

export interface PanelInput {
  readonly title: string;
  /** Pixels that a line of the title may take. */
  readonly titleWidth: number;
  readonly width: number;
  readonly rowHeight: number;
  readonly names: readonly PanelName[];
  /** Only the first panel of a row of panels names the rows. */
  readonly showNames: boolean;
  readonly slots: readonly string[];
  readonly colors: Readonly<Record<string, string>>;
  readonly dotColor: string;
  readonly format: (value: number) => string;
  readonly bars: readonly PanelBar[];
  /** Rows without a bar, and the note that is shown in its place. */
  readonly missing: readonly {
    readonly name: string;
    readonly note: readonly string[];
    /** True if nothing went wrong and there is simply nothing to draw. */
    readonly isExpected?: boolean;
  }[];
  readonly reference: number | null;
  /** What the whisker spans: `smallest to largest trial`. */
  readonly whisker: string;
}

const TITLE_FONT_SIZE = 12;
const LABEL_GAP = 7;
const NOTE_LINE_HEIGHT = 14;
/** Line height of the rows' names; `overviewChart` makes the rows high enough for them. */
export const NAME_LINE_HEIGHT = 13;
/** More dots than this on one bar are a smear. */
const MAX_DOTS = 200;

/** Returns one panel of the overview, as a layered Vega-Lite view. */
export function overviewPanel(input: PanelInput) {
  const bars = input.bars.map(({ configuration, name, slot, word, statistics }) => {
    const { value, low, high } = statistics;
    const number = input.format(value);
    const label = word === "" ? number : `${word} ${number}`;
    return {
      configuration,
      name,
      slot,
      color: input.colors[slot] ?? COLORS.muted,
      value,
      low,
      high,
      range: low === null || high === null ? "–" : `${input.format(low)} to ${input.format(high)}`,
      figure: number,
      label,
      label_at: Math.max(value, high ?? 0),
    };
  });
  const dots = input.bars.flatMap(({ configuration, name, slot, dots: samples }) =>
    samples.length <= MAX_DOTS
      ? samples.map((value) => ({ configuration, name, slot, value, figure: input.format(value) }))
      : [],
  );
  const names = input.names.map(({ name }) => name);
  const x = (field: string) => ({ field, type: "quantitative" as const });
  const offset = input.slots.length > 1 ? { yOffset: { field: "slot", scale: { domain: input.slots } } } : {};
  const isEmpty = bars.length === 0;
  const end = axisEndFor(
    bars.map(({ label, label_at }) => ({ label, at: label_at })),
    input.width,
    LABEL_GAP + 4,
  );
  const barHeight = input.slots.length > 1 ? 15 : 20;
  return {
    title: {
      text: breakLines(input.title, charactersIn(input.titleWidth, TITLE_FONT_SIZE), 3),
      fontSize: TITLE_FONT_SIZE,
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
        scale: { domain: names, paddingInner: 0.2, paddingOuter: 0.1 },
        axis: { title: null, labels: false, ticks: false },
      },
    },
    layer: [
      {
        data: { values: bars },
        mark: { type: "bar" as const, height: barHeight },
        encoding: {
          x: {
            ...x("value"),
            scale: { domain: [0, end], nice: false },
            axis: isEmpty
              ? { title: null, labels: false, ticks: false, grid: false }
              : { title: null, tickCount: 4, grid: true, labelFlush: false },
          },
          ...offset,
          color: { field: "color", scale: null },
          tooltip: [
            shown("name", "configuration"),
            shown("figure", input.slots.length > 1 ? "figure" : input.title),
            ...(input.slots.length > 1 ? [shown("slot", "memory")] : []),
            shown("range", input.whisker),
          ],
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
        encoding: {
          x: x("value"),
          ...offset,
          tooltip: [shown("name", "configuration"), shown("figure", "one trial")],
        },
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

/** The rows' names, left of the plot. They are text marks, because an axis centres only the first line of a multi-line name. */
function rowNames(names: readonly PanelName[]) {
  const values = names.map(({ configuration, name }) => {
    const lines = name.split("\n");
    return { configuration, name, lines, dy: centred(lines.length, NAME_LINE_HEIGHT) };
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

/** Vertical offset of the first of several lines at which the lines as a whole are centred. */
function centred(lines: number, lineHeight: number): number {
  return (-(lines - 1) * lineHeight) / 2;
}

/** Text on a white outline, which keeps it readable on top of lines. */
function textWithHalo(values: readonly object[], mark: object, encoding: object) {
  const text = { type: "text" as const, baseline: "middle" as const, fontSize: LABEL_FONT_SIZE, ...mark };
  // `aria: false`, so that a screen reader reads the text only once.
  const halo = { ...text, aria: false, stroke: "white", strokeWidth: 4, strokeJoin: "round" as const };
  return [halo, text].map((layer) => ({ data: { values }, mark: layer, encoding }));
}
