/** Every metric relative to the first side: one point per side with its interval; 1 means no difference. */
import type { TopLevelSpec } from "vega-lite";
import { safeLine } from "../../base/text.js";
import { ratioWords } from "../words/compare.js";
import type { CompareReport } from "../words/compare-report.js";
import { breakLines, CHART_HEAD, COLORS, FULL_HEIGHT, SERIES } from "./style.js";

const ROW_HEIGHT = 24;
const WIDTH = 460;

export function compareChart(report: CompareReport): TopLevelSpec {
  const names = [
    ...new Set(report.groups.flatMap(({ sides }) => sides.slice(1).map(({ name }) => short(name)))),
  ];
  const [baseline = ""] = report.arguments;
  const panels = report.groups.map((group) => {
    const values = group.metrics.flatMap((metric) =>
      metric.against.flatMap((ratio, index) =>
        ratio === null
          ? []
          : [
              {
                metric: metric.title,
                side: short(group.sides[index]?.name ?? ""),
                ratio: ratio.ratio,
                low: ratio.ci99_low,
                high: ratio.ci99_high,
                text: ratioWords(ratio, metric.better),
              },
            ],
      ),
    );
    const metrics = [...new Set(values.map(({ metric }) => metric))];
    const failed = group.sides.filter(({ trials_completed }) => trials_completed === 0);
    return { group, values, metrics, failed };
  });
  const ratios = panels.flatMap(({ values }) =>
    values.flatMap(({ ratio, low, high }) => [ratio, low ?? ratio, high ?? ratio]),
  );
  const farthest = Math.max(1.1, ...ratios.map((ratio) => Math.max(ratio, 1 / ratio)));
  const domain = [1 / farthest ** 1.05, farthest ** 1.05];
  const color = {
    field: "side",
    type: "nominal",
    scale: { domain: names, range: SERIES.slice(0, names.length) },
    legend: names.length > 1 ? { title: null, orient: "top", labelLimit: 0, columns: 1 } : null,
  };
  const offset = { yOffset: { field: "side", scale: { domain: names } } };
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(`Compared with ${safeLine(baseline)}`, 70, 3),
      subtitle: [
        "Point: ratio to the first, 1 is the same · whisker: 99 % interval · logarithmic",
        ...(names.length === 1 ? breakLines(names[0] ?? "", 90, 2) : []),
        ...report.forced.flatMap((reason) => breakLines(`forced: ${safeLine(reason)}`, 90, 2)),
      ],
    },
    vconcat: panels.map(({ group, values, metrics, failed }) => ({
      title: {
        text: breakLines(safeLine(group.label), 70, 2),
        fontSize: 12,
        offset: 6,
        ...(failed.length === 0
          ? {}
          : {
              subtitle: failed.map(({ name, status }) => `${short(name)}: ${status}`),
              subtitleColor: COLORS.failure,
            }),
      },
      width: WIDTH,
      height: Math.max(1, metrics.length) * Math.max(1, names.length) * ROW_HEIGHT,
      data: { values },
      encoding: {
        y: {
          field: "metric",
          type: "nominal",
          scale: { domain: metrics },
          axis: { title: null, ticks: false },
        },
      },
      layer: [
        {
          data: { values: [{ one: 1 }] },
          mark: { type: "rule", color: COLORS.muted, strokeDash: [4, 3] },
          encoding: {
            x: { field: "one", type: "quantitative", scale: { type: "log", domain, nice: false } },
            ...FULL_HEIGHT,
          },
        },
        {
          transform: [{ filter: "datum.low !== null" }],
          mark: { type: "rule", strokeWidth: 1.8 },
          encoding: { x: x("low", domain), x2: { field: "high" }, color, ...offset },
        },
        {
          mark: { type: "point", filled: true, size: 60, opacity: 1 },
          encoding: {
            x: x("ratio", domain),
            color,
            ...offset,
            tooltip: [{ field: "side" }, { field: "metric" }, { field: "text" }],
          },
        },
      ],
    })),
  } as unknown as TopLevelSpec;
}

function x(field: string, domain: readonly number[]) {
  return {
    field,
    type: "quantitative",
    title: "Ratio",
    scale: { type: "log", domain, nice: false },
    axis: { format: "~g", tickCount: 6 },
  };
}

const LONGEST = 60;

function short(name: string): string {
  const plain = safeLine(name);
  return plain.length <= LONGEST ? plain : `${plain.slice(0, 25)}…${plain.slice(-34)}`;
}
