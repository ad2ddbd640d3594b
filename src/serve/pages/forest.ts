/** A row of a forest plot: shows where a ratio and its interval lie, better to the right. The words beside it say the same. */
import { html } from "hono/html";
import type { MetricRatio } from "../../analysis/compare/metrics.js";
import type { ComparedMetric, CompareReport } from "../../render/words/compare-report.js";
import type { Html } from "./layout.js";

const WIDTH = 200;
const HEIGHT = 22;
const EDGE = 6;
/** Ratios that lie farther out are drawn at the edge. */
const FARTHEST = 8;
/** A plot reaches at least this far even if all ratios are close to 1, so that noise does not look like a difference. */
const LEAST_REACH = 1.1;

/** Returns the ratio at the edges of the plot, which all rows share. */
export function findReach({ groups }: CompareReport): number {
  const ratios = groups
    .flatMap(({ metrics }) => metrics.flatMap(({ against }) => against))
    .flatMap((one) =>
      one === null ? [] : [one.ratio, one.ci99_low ?? one.ratio, one.ci99_high ?? one.ratio],
    );
  const farthest = ratios.map((ratio) => (ratio > 0 ? Math.max(ratio, 1 / ratio) : FARTHEST));
  return Math.min(FARTHEST, Math.max(LEAST_REACH, ...farthest));
}

export function forestRow(
  ratio: MetricRatio | null,
  better: ComparedMetric["better"],
  reach: number,
): Html | string {
  if (ratio === null || ratio.verdict === "disturbed") return "";
  const at = (value: number) => {
    const share = Math.log(Math.max(value, 1e-9)) / Math.log(reach);
    const right = Math.max(-1, Math.min(1, better === "lower" ? -share : share));
    return (WIDTH / 2 + right * (WIDTH / 2 - EDGE)).toFixed(1);
  };
  const middle = HEIGHT / 2;
  const { ci99_low: low, ci99_high: high } = ratio;
  return html`<svg class="forest ${judge(ratio, better)}" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">
<line class="one" x1="${WIDTH / 2}" x2="${WIDTH / 2}" y1="0" y2="${HEIGHT}"></line>
${low === null || high === null ? "" : html`<line class="interval" x1="${at(low)}" x2="${at(high)}" y1="${middle}" y2="${middle}"></line>`}
<circle cx="${at(ratio.ratio)}" cy="${middle}" r="4.5"></circle></svg>`;
}

/** Returns the CSS class for the colour. */
export function judge(ratio: MetricRatio | null, better: ComparedMetric["better"]): "good" | "bad" | "" {
  if (ratio?.verdict !== "less" && ratio?.verdict !== "more") return "";
  return (ratio.verdict === "less") === (better === "lower") ? "good" : "bad";
}
