/** The data that each chart of a run is drawn from, small enough to be embedded in report.html, where charts are drawn again. */

import { safeLine } from "../../../base/text.js";
import type { RunData } from "../../../run/run-data.js";
import type { RunSummary } from "../../../run/summary-schema.js";
import { describeRandomWeights } from "../../words/random-weights.js";
import type { ChartInputs } from "../charts.js";
import { articleChartInput } from "./article.js";
import { batchInput } from "./batch.js";
import { depthInput } from "./depth.js";
import { estimateInput } from "./estimate.js";
import { exploreInput } from "./explore.js";
import { interTokenInput } from "./inter-token.js";
import { klTailsInput } from "./kl-tails.js";
import { lengthInput } from "./length.js";
import { overviewInput } from "./overview.js";
import { qualityInput } from "./quality.js";
import { tradeoffInput } from "./tradeoff.js";

export function chartInputs(data: RunData, summary: RunSummary): ChartInputs {
  const { model_name } = data.run.plan;
  const note = describeRandomWeights(data.configurations);
  const randomNote = note === null ? null : safeLine(note);
  return {
    overview: overviewInput(data, summary),
    batch: batchInput(summary),
    length: lengthInput(summary),
    depth: depthInput(summary),
    tradeoff: tradeoffInput(summary, randomNote),
    explore: exploreInput(summary),
    quality: qualityInput(summary, randomNote),
    estimate: estimateInput(summary),
    "inter-token": interTokenInput(data),
    "kl-tails": klTailsInput(data, randomNote),
    articles: data.configurations.map((configuration) => articleChartInput(model_name, configuration)),
  };
}
