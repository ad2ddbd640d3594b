/** The time from each token to the next: half of them lie within the thick bar, nine of ten within the thin one. */
import type { TopLevelSpec } from "vega-lite";
import { quantileOf } from "../../base/quantile.js";
import { safeLine } from "../../base/untrusted-text.js";
import { completedTrials, type RunData } from "../../results/run-data.js";
import { breakLines, CHART_HEAD, COLORS } from "./style.js";

export interface InterTokenRow {
  readonly label: string;
  readonly p5: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p95: number;
  readonly max: number;
  readonly count: number;
}

/** Milliseconds, over all trials of each configuration that decoded at least two tokens. */
export function interTokenRows(data: RunData): InterTokenRow[] {
  return data.configurations.flatMap((configuration) => {
    const sorted = completedTrials(configuration)
      .flatMap(({ measurement }) => measurement.itl_sec.map((seconds) => seconds * 1e3))
      .sort((a, b) => a - b);
    if (sorted.length === 0) return [];
    return [
      {
        label: breakLines(safeLine(configuration.plan.worker.label), 30, 3).join("\n"),
        p5: quantileOf(sorted, 0.05),
        p25: quantileOf(sorted, 0.25),
        median: quantileOf(sorted, 0.5),
        p75: quantileOf(sorted, 0.75),
        p95: quantileOf(sorted, 0.95),
        max: sorted.at(-1) ?? 0,
        count: sorted.length,
      },
    ];
  });
}

const ROW_HEIGHT = 44;

/** Null where no trial had two tokens. */
export function interTokenChart(data: RunData): TopLevelSpec | null {
  const rows = interTokenRows(data);
  if (rows.length === 0) return null;
  const domain = [...new Set(rows.map(({ label }) => label))];
  const values = rows.map((row) => ({ ...row, text: `${milliseconds(row.median)} ms` }));
  const y = {
    field: "label",
    type: "nominal",
    scale: { domain },
    axis: { title: null, labelExpr: "split(datum.label, '\\n')", ticks: false },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: "Time from one token to the next (ms), less is better",
    scale: { zero: true },
    axis: { tickCount: 6 },
  });
  const bar = (low: string, high: string, size: number, color: string) => ({
    mark: { type: "bar", size, color, cornerRadius: 1 },
    encoding: { x: x(low), x2: { field: high }, y },
  });
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(`${safeLine(data.run.plan.model_name)}: inter-token times`, 58, 3),
      subtitle: "Thick: the middle half · thin: 5th to 95th percentile · line: median · dot: the slowest",
    },
    width: 460,
    height: domain.length * ROW_HEIGHT,
    data: { values },
    layer: [
      bar("p5", "p95", 5, COLORS.timeBar),
      bar("p25", "p75", 17, COLORS.timeBar),
      {
        mark: { type: "point", filled: true, size: 22, color: COLORS.time, opacity: 0.8 },
        encoding: { x: x("max"), y },
      },
      {
        mark: { type: "tick", color: COLORS.time, thickness: 2.4, size: 21 },
        encoding: { x: x("median"), y },
      },
      {
        mark: {
          type: "text",
          baseline: "bottom",
          dy: -11,
          align: "left",
          fontSize: 10.5,
          color: COLORS.text,
        },
        encoding: { x: x("median"), y, text: { field: "text" } },
      },
    ],
  } as unknown as TopLevelSpec;
}

function milliseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
