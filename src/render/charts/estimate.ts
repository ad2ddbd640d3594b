/** Estimated and measured memory: bars for each configuration's weights and peak, with the estimate as a mark on the bar. */
import type { TopLevelSpec } from "vega-lite";
import {
  axisEndFor,
  charactersIn,
  namesWidth,
  rowNames,
  textWidth,
  titleCharacters,
} from "./axis-headroom.js";
import { breakLines, CHART_HEAD, COLORS, shown } from "./style.js";

const ROW_HEIGHT = 46;
const WIDTH = 520;
const LABEL_CHARACTERS = 30;
const TEXT_GAP = 12;

export interface EstimateRow {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  readonly kind: "weights" | "peak";
  readonly measuredGb: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly estimatedGb: number;
  /** `+0.3 %`. */
  readonly off: string;
  /** `weights 116 MB, estimate +0.3 %`. */
  readonly text: string;
}

export interface EstimateInput {
  readonly modelName: string;
  /** `Peak RSS`. */
  readonly memoryName: string;
  readonly rows: readonly EstimateRow[];
}

/** `room`: width in pixels that the whole chart may take. */
export function estimateChart({ modelName, memoryName, rows }: EstimateInput, room?: number): TopLevelSpec {
  const labelCharacters =
    room === undefined ? LABEL_CHARACTERS : Math.min(LABEL_CHARACTERS, charactersIn(room * 0.3));
  const names = rowNames(rows, labelCharacters, 3);
  const width =
    room === undefined ? WIDTH : Math.max(140, Math.min(760, room - namesWidth(names.values()) - 72));
  const longest = Math.max(...rows.map(({ text }) => text.length));
  // If a sentence would leave too little room for its bar, the label says only how far the estimate is off.
  const chooseText = (row: EstimateRow) => (textWidth(longest) < width * 0.55 ? row.text : row.off);
  const labels = [...new Set(names.values())];
  const values = rows.map((row) => ({
    ...row,
    label: names.get(row.configuration),
    name: row.label,
    text: chooseText(row),
  }));
  const end = axisEndFor(
    values.map(({ text, measuredGb, estimatedGb, high }) => ({
      label: text,
      at: Math.max(measuredGb, estimatedGb, high ?? 0),
    })),
    width,
    TEXT_GAP,
  );
  const y = {
    field: "label",
    type: "nominal",
    scale: { domain: labels },
    axis: { title: null, labelExpr: "split(datum.label, '\\n')", ticks: false },
  };
  const offset = { yOffset: { field: "kind", scale: { domain: ["weights", "peak"] } } };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: breakLines(
      `Weights and ${memoryName.toLowerCase().replace("rss", "RSS").replace("gpu", "GPU")} (GB)`,
      charactersIn(width + 60, 12),
      3,
    ),
    scale: { domain: [0, end], nice: false },
    axis: { tickCount: Math.min(6, Math.floor(width / 60)) },
  });
  const tooltip = [
    shown("name", "configuration"),
    shown("kind", "memory"),
    shown("measuredGb", "measured (GB)", ".4f"),
    shown("estimatedGb", "estimated (GB)", ".4f"),
    shown("off", "estimate is off by"),
  ];
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(
        `${modelName}: estimated and measured memory`,
        room === undefined ? 58 : titleCharacters(room - 28),
        3,
      ),
      subtitle: breakLines(
        "Bar: measured (peak: median over trials, whisker: smallest to largest) · marker line: estimated from the config",
        room === undefined ? 100 : charactersIn(room - 28),
        4,
      ),
    },
    width,
    height: labels.length * ROW_HEIGHT,
    data: { values },
    layer: [
      {
        mark: { type: "bar", height: 14 },
        encoding: {
          x: x("measuredGb"),
          y,
          ...offset,
          color: {
            field: "kind",
            type: "nominal",
            scale: { domain: ["weights", "peak"], range: [COLORS.weights, COLORS.peak] },
            legend: null,
          },
          tooltip,
        },
      },
      {
        transform: [{ filter: "datum.low !== null" }],
        mark: { type: "rule", color: COLORS.muted, strokeWidth: 1.4 },
        encoding: { x: x("low"), x2: { field: "high" }, y, ...offset },
      },
      {
        mark: { type: "tick", color: COLORS.text, thickness: 2.6, size: 19 },
        encoding: { x: x("estimatedGb"), y, ...offset, tooltip },
      },
      {
        transform: [{ calculate: "max(datum.measuredGb, datum.estimatedGb, datum.high || 0)", as: "end" }],
        mark: { type: "text", align: "left", baseline: "middle", dx: 8, fontSize: 11, color: COLORS.text },
        encoding: { x: x("end"), y, ...offset, text: { field: "text" } },
      },
    ],
  } as unknown as TopLevelSpec;
}
