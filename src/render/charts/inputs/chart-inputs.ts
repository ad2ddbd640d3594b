/** What each chart of a run is drawn from: small enough to travel in report.html, where charts are drawn again. */

import type { RunSummary } from "../../../analysis/summary.js";
import type { RunData } from "../../../run/run-data.js";
import type { ChartInputs } from "../charts.js";
import { articleChartInput } from "./article.js";
import { estimateInput } from "./estimate.js";
import { interTokenInput } from "./inter-token.js";
import { klTailsInput } from "./kl-tails.js";
import { overviewInput } from "./overview.js";
import { tradeoffInput } from "./tradeoff.js";

export function chartInputs(data: RunData, summary: RunSummary): ChartInputs {
  const { model_name } = data.run.plan;
  return {
    overview: overviewInput(data, summary),
    tradeoff: tradeoffInput(summary),
    estimate: estimateInput(summary),
    "inter-token": interTokenInput(data),
    "kl-tails": klTailsInput(data),
    articles: data.configurations.map((configuration) => articleChartInput(model_name, configuration)),
  };
}
