import { haveBatches } from "../../../analysis/batches.js";
import { isMostlyUnquantized } from "../../../analysis/quantized-share.js";
import { safeLine } from "../../../base/text.js";
import { BYTES_PER_GB } from "../../../base/units.js";
import { completedTrials, type RunData, timedTrials } from "../../../run/run-data.js";
import type { ConfigurationSummary, RunSummary } from "../../../run/summary-schema.js";
import { shownName } from "../../words/names.js";
import { MOSTLY_UNQUANTIZED } from "../../words/quantized-share.js";
import { describeStatus } from "../../words/status.js";
import type { OverviewInput, OverviewRow } from "../overview.js";

/** Every configuration, in the plan's order. */
export function overviewInput(data: RunData, summary: RunSummary): OverviewInput {
  const rows = data.configurations.flatMap((configuration, index): OverviewRow[] => {
    const own = summary.configurations[index];
    if (own === undefined) return [];
    const measurements = completedTrials(configuration).map((trial) => trial.measurement);
    const timed = timedTrials(configuration).map((trial) => trial.measurement);
    const metric = own.memory_metric;
    return [
      {
        configuration: own.id,
        label: shownName(own),
        remarks: collectRemarks(own),
        isReference: own.is_reference,
        status: describeStatus(configuration),
        metric,
        weightsGb: own.weights_bytes === null ? null : own.weights_bytes / BYTES_PER_GB,
        peakGb: metric === null ? [] : measurements.flatMap((m) => gigabytes(m[metric])),
        elapsedSec: timed.map((m) => m.elapsed_sec),
        tokensPerSec: timed.flatMap((m) => m.batch_tokens_per_sec ?? m.decode_tokens_per_sec ?? []),
        kl: own.quality[0]?.kl_divergence ?? null,
      },
    ];
  });
  return {
    modelName: safeLine(summary.model_name),
    modelNote: safeLine(summary.model_note ?? ""),
    hasBatches: haveBatches(summary),
    rows,
  };
}

function gigabytes(bytes: number | null): number[] {
  return bytes === null ? [] : [bytes / BYTES_PER_GB];
}

function collectRemarks(own: ConfigurationSummary): string[] {
  const { is_reference, reused_from, trials_completed, trials_planned } = own;
  const isPart = trials_completed > 0 && trials_completed < trials_planned;
  return [
    ...(is_reference ? ["(reference)"] : []),
    ...(isMostlyUnquantized(own) ? [`(${MOSTLY_UNQUANTIZED})`] : []),
    ...(reused_from === null ? [] : ["(reused, not measured now)"]),
    ...(isPart ? [`(${trials_completed} of ${trials_planned} trials)`] : []),
  ];
}
