/** Estimated against measured: weights and peak memory of each configuration, with the estimate as a mark on the bar. */
import type { TopLevelSpec } from "vega-lite";
import { formatBytes } from "../../base/units.js";
import { safeLine } from "../../base/untrusted-text.js";
import { commonMemoryMetric, memoryName } from "../memory-metric.js";
import type { ConfigurationSummary, RunSummary } from "../summary.js";
import { breakLines, CHART_HEAD, COLORS } from "./style.js";

const BYTES_PER_GB = 1e9;
const ROW_HEIGHT = 46;

export interface EstimateRow {
  readonly label: string;
  readonly kind: "weights" | "peak";
  readonly measuredGb: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly estimatedGb: number;
  /** `116 MB, estimated +0.3 %`. */
  readonly text: string;
}

export function estimateRows(summary: RunSummary): EstimateRow[] {
  return summary.configurations.flatMap((configuration) => {
    const { estimate, weights_bytes: weights, peak_memory_bytes: peak } = configuration;
    if (estimate === null) return [];
    const label = labelOf(configuration);
    const rows: EstimateRow[] = [];
    if (weights !== null) rows.push(rowOf(label, "weights", weights, estimate.weights_bytes));
    if (peak !== null && estimate.peak_memory_bytes !== null) {
      rows.push({
        ...rowOf(label, "peak", peak.mean, estimate.peak_memory_bytes),
        low: peak.ci95_low === null ? null : peak.ci95_low / BYTES_PER_GB,
        high: peak.ci95_high === null ? null : peak.ci95_high / BYTES_PER_GB,
      });
    }
    return rows;
  });
}

function labelOf({ label }: ConfigurationSummary): string {
  return breakLines(safeLine(label), 30, 3).join("\n");
}

function rowOf(label: string, kind: EstimateRow["kind"], measured: number, estimated: number): EstimateRow {
  const off = (estimated / measured - 1) * 100;
  const sign = off < 0 ? "−" : "+";
  return {
    label,
    kind,
    measuredGb: measured / BYTES_PER_GB,
    low: null,
    high: null,
    estimatedGb: estimated / BYTES_PER_GB,
    text: `${kind} ${formatBytes(measured)}, estimate ${sign}${Math.abs(off).toFixed(1)} %`,
  };
}

/** Null where no record tells the model's shape. */
export function estimateChart(summary: RunSummary): TopLevelSpec | null {
  const values = estimateRows(summary);
  if (values.length === 0) return null;
  const labels = [...new Set(values.map(({ label }) => label))];
  const metric = commonMemoryMetric(summary.configurations.map(({ memory_metric }) => memory_metric));
  const end =
    1.9 * Math.max(...values.map((row) => Math.max(row.measuredGb, row.estimatedGb, row.high ?? 0)));
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
    title: `Weights and ${memoryName(metric).toLowerCase().replace("rss", "RSS").replace("gpu", "GPU")} (GB)`,
    scale: { domain: [0, end], nice: false },
    axis: { tickCount: 6 },
  });
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(`${safeLine(summary.model_name)}: estimated and measured memory`, 58, 3),
      subtitle:
        "Bar: measured (whisker: 95 % interval of the mean) · black line: estimated from the config alone",
    },
    width: 520,
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
        },
      },
      {
        transform: [{ filter: "datum.low !== null" }],
        mark: { type: "rule", color: COLORS.muted, strokeWidth: 1.4 },
        encoding: { x: x("low"), x2: { field: "high" }, y, ...offset },
      },
      {
        mark: { type: "tick", color: COLORS.text, thickness: 2.6, size: 19 },
        encoding: { x: x("estimatedGb"), y, ...offset },
      },
      {
        transform: [{ calculate: "max(datum.measuredGb, datum.estimatedGb, datum.high || 0)", as: "end" }],
        mark: { type: "text", align: "left", baseline: "middle", dx: 8, fontSize: 11, color: COLORS.text },
        encoding: { x: x("end"), y, ...offset, text: { field: "text" } },
      },
    ],
  } as unknown as TopLevelSpec;
}
