import { computeQuantile } from "../../../base/statistics.js";
import { safeLine } from "../../../base/text.js";
import { type RunData, timedTrials } from "../../../run/run-data.js";
import { recordedName, shownName } from "../../words/names.js";
import type { InterTokenInput, InterTokenRow } from "../inter-token.js";

/** Null if no trial decoded two tokens. */
export function interTokenInput(data: RunData): InterTokenInput | null {
  const rows = interTokenRows(data);
  return rows.length === 0 ? null : { modelName: safeLine(data.run.plan.model_name), rows };
}

/** Percentiles in milliseconds, over all timed trials of each configuration that decoded at least two tokens. */
function interTokenRows(data: RunData): InterTokenRow[] {
  return data.configurations.flatMap((configuration) => {
    const sorted = timedTrials(configuration)
      .flatMap(({ measurement }) => measurement.itl_sec.map((seconds) => seconds * 1e3))
      .sort((a, b) => a - b);
    if (sorted.length === 0) return [];
    return [
      {
        configuration: configuration.plan.worker.id,
        label: shownName(recordedName(configuration)),
        p5: computeQuantile(sorted, 0.05),
        p25: computeQuantile(sorted, 0.25),
        median: computeQuantile(sorted, 0.5),
        p75: computeQuantile(sorted, 0.75),
        p95: computeQuantile(sorted, 0.95),
        max: sorted.at(-1) ?? 0,
        count: sorted.length,
      },
    ];
  });
}
