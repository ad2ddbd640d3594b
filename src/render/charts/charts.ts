/**
 * Turns the input of every chart of a run into a Vega-Lite spec. Also runs in a browser: neither this file nor anything that it
 * imports needs Node.
 */
import type { TopLevelSpec } from "vega-lite";
import { type ArticleChartInput, articleChart } from "./article.js";
import { type BatchInput, batchChart } from "./batch.js";
import { type DepthInput, depthChart } from "./depth.js";
import { type EstimateInput, estimateChart } from "./estimate.js";
import type { ExploreInput } from "./explore.js";
import { type InterTokenInput, interTokenChart } from "./inter-token.js";
import { type KlTailsInput, klTailsChart } from "./kl-tails.js";
import { type LengthInput, lengthChart } from "./length.js";
import { type OverviewInput, overviewChart } from "./overview.js";
import { type QualityInput, qualityChart } from "./quality.js";
import { measureScales, type TradeoffInput, tradeoffChart } from "./tradeoff.js";

/** The input of each chart; null if there is nothing of its kind to draw. */
export interface ChartInputs {
  readonly overview: OverviewInput;
  readonly batch: BatchInput | null;
  readonly length: LengthInput | null;
  readonly depth: DepthInput | null;
  readonly tradeoff: TradeoffInput | null;
  /** Any metric over any other; drawn only on the report page. */
  readonly explore: ExploreInput | null;
  readonly quality: QualityInput | null;
  readonly estimate: EstimateInput | null;
  readonly "inter-token": InterTokenInput | null;
  readonly "kl-tails": KlTailsInput | null;
  /** One per configuration. */
  readonly articles: readonly ArticleChartInput[];
}

/** Charts that all configurations share. */
export const SHARED_CHARTS = [
  "overview",
  "batch",
  "length",
  "depth",
  "tradeoff",
  "quality",
  "kl-tails",
  "inter-token",
  "estimate",
] as const;
export type SharedChartName = (typeof SHARED_CHARTS)[number];

export interface Chart {
  /** File name without its ending. */
  readonly name: string;
  readonly spec: TopLevelSpec;
}

/** Returns the overview, the other shared charts that this run has data for, then the article's figure for each configuration. */
export function buildCharts(inputs: ChartInputs): readonly Chart[] {
  return [
    ...SHARED_CHARTS.flatMap((name) => {
      const spec = sharedChart(inputs, name, () => true);
      return spec === null ? [] : [{ name, spec }];
    }),
    ...inputs.articles.map((input) => ({
      name: `article-${input.configuration}`,
      spec: articleChart(input),
    })),
  ];
}

/**
 * Returns one chart of the selected configurations. `width`: pixels that it may take; without it, the chart has its usual size.
 * Null if none of the selected configurations can be drawn in it.
 */
export function sharedChart(
  inputs: ChartInputs,
  name: SharedChartName,
  isSelected: (configuration: string) => boolean,
  width?: number,
): TopLevelSpec | null {
  switch (name) {
    case "overview":
      return drawn(inputs.overview, isSelected, (input) => overviewChart(input, width));
    case "batch":
      return drawn(inputs.batch, isSelected, (input) => batchChart(input, width));
    case "length":
      return drawn(inputs.length, isSelected, (input) => lengthChart(input, width));
    case "depth":
      return drawn(inputs.depth, isSelected, (input) => depthChart(input, width));
    case "tradeoff":
      // Colours and axes are those of all configurations, so that they mean the same whichever are selected.
      return drawn(inputs.tradeoff, isSelected, (input) =>
        tradeoffChart(input, width, measureScales(inputs.tradeoff?.rows ?? [])),
      );
    case "quality":
      return drawn(inputs.quality, isSelected, (input) => qualityChart(input, width));
    case "estimate":
      return drawn(inputs.estimate, isSelected, (input) => estimateChart(input, width));
    case "inter-token":
      return drawn(inputs["inter-token"], isSelected, (input) => interTokenChart(input, width));
    case "kl-tails":
      return drawn(inputs["kl-tails"], isSelected, (input) => klTailsChart(input, width));
  }
}

interface WithRows {
  readonly rows: readonly { readonly configuration: string }[];
}

function drawn<I extends WithRows>(
  input: I | null,
  isSelected: (configuration: string) => boolean,
  draw: (input: I) => TopLevelSpec,
): TopLevelSpec | null {
  if (input === null) return null;
  const rows = input.rows.filter(({ configuration }) => isSelected(configuration));
  return rows.length === 0 ? null : draw({ ...input, rows });
}
