import { statisticsOf } from "../statistics.js";
import { COLORS } from "./style.js";

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
  readonly missing: readonly { readonly name: string; readonly note: readonly string[] }[];
  readonly reference: number | null;
}

const LABEL_FONT_SIZE = 11;
/** Of DejaVu Sans, in em; digits and lower case. */
const CHARACTER_EM = 0.62;
const LABEL_GAP = 7;
/** More dots than this on one bar are a smear. */
const MAX_DOTS = 200;

/** One panel of the overview, as a Vega-Lite unit of layers. */
export function overviewPanel(input: PanelInput) {
  const bars = input.bars.flatMap(({ name, slot, word, values }) => {
    const statistics = statisticsOf(values);
    if (statistics === null) return [];
    const { mean, max, ci95_low, ci95_high } = statistics;
    const number = input.format(mean);
    const label = word === "" ? number : `${word} ${number}`;
    return {
      name,
      slot,
      mean,
      low: ci95_low,
      high: ci95_high,
      label,
      label_at: Math.max(max, mean, ci95_high ?? 0),
    };
  });
  const dots = input.bars.flatMap(({ name, slot, values, showValues }) =>
    showValues && values.length <= MAX_DOTS ? values.map((value) => ({ name, slot, value })) : [],
  );
  const x = (field: string) => ({ field, type: "quantitative" as const });
  const offset = input.slots.length > 1 ? { yOffset: { field: "slot", scale: { domain: input.slots } } } : {};
  const barHeight = input.slots.length > 1 ? 15 : 20;
  return {
    title: { text: input.title, fontSize: 12, fontWeight: "normal", offset: 8, anchor: "start", limit: 0 },
    width: input.width,
    height: input.names.length * input.rowHeight,
    encoding: {
      y: {
        field: "name",
        type: "nominal" as const,
        scale: { domain: input.names, paddingInner: 0.2, paddingOuter: 0.1 },
        axis: input.showNames
          ? {
              title: null,
              labelExpr: "split(datum.label, '\\n')",
              labelLineHeight: 13,
              ticks: false,
              labelPadding: 8,
            }
          : { title: null, labels: false, ticks: false },
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
            axis: { title: null, tickCount: 4, grid: true },
          },
          ...offset,
          color: {
            field: "slot",
            scale: {
              domain: input.slots,
              range: input.slots.map((slot) => input.colors[slot] ?? COLORS.muted),
            },
            legend: null,
          },
          tooltip: [{ field: "name" }, { field: "label" }, x("low"), x("high")],
        },
      },
      ...(input.reference === null
        ? []
        : [
            {
              data: { values: [{ reference: input.reference }] },
              mark: { type: "rule" as const, color: COLORS.muted, strokeDash: [4, 3], strokeWidth: 1.2 },
              encoding: { x: x("reference"), y: null },
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
      {
        data: { values: bars },
        mark: {
          type: "text" as const,
          align: "left" as const,
          dx: LABEL_GAP,
          fontSize: LABEL_FONT_SIZE,
          color: COLORS.text,
        },
        encoding: { x: x("label_at"), ...offset, text: { field: "label" } },
      },
      {
        data: { values: input.missing.map((row) => ({ ...row })) },
        mark: {
          type: "text" as const,
          align: "left" as const,
          fontSize: LABEL_FONT_SIZE,
          lineHeight: 14,
          color: COLORS.failure,
          baseline: "middle" as const,
        },
        encoding: { x: { value: 6 }, text: { field: "note" } },
      },
    ],
  };
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
