import { safeLine } from "../../../base/text.js";
import { BYTES_PER_GB, formatBytes } from "../../../base/units.js";
import { commonMemoryMetric, memoryName } from "../../../metrics/memory.js";
import type { RunSummary } from "../../../run/summary-schema.js";
import { shownName } from "../../words/names.js";
import type { EstimateInput, EstimateRow } from "../estimate.js";

/** Null if no record has the model's shape, without which there is no estimate. */
export function estimateInput(summary: RunSummary): EstimateInput | null {
  const rows = estimateRows(summary);
  if (rows.length === 0) return null;
  const metric = commonMemoryMetric(summary.configurations.map(({ memory_metric }) => memory_metric));
  return { modelName: safeLine(summary.model_name), memoryName: memoryName(metric), rows };
}

function estimateRows(summary: RunSummary): EstimateRow[] {
  return summary.configurations.flatMap((configuration) => {
    const { estimate, weights_at_load_bytes: weights, peak_memory_bytes: peak } = configuration;
    if (estimate === null) return [];
    const of = { configuration: configuration.id, label: shownName(configuration) };
    const rows: EstimateRow[] = [];
    if (weights !== null) rows.push({ ...of, ...buildRow("weights", weights, estimate.weights_bytes) });
    if (peak !== null && estimate.peak_memory_bytes !== null) {
      rows.push({
        ...of,
        ...buildRow("peak", peak.median, estimate.peak_memory_bytes),
        low: peak.n > 1 ? peak.min / BYTES_PER_GB : null,
        high: peak.n > 1 ? peak.max / BYTES_PER_GB : null,
      });
    }
    return rows;
  });
}

function buildRow(kind: EstimateRow["kind"], measured: number, estimated: number) {
  const off = (estimated / measured - 1) * 100;
  const sign = off < 0 ? "−" : "+";
  return {
    kind,
    measuredGb: measured / BYTES_PER_GB,
    low: null,
    high: null,
    estimatedGb: estimated / BYTES_PER_GB,
    off: `${sign}${Math.abs(off).toFixed(1)} %`,
    text: `${kind} ${formatBytes(measured)}, estimate ${sign}${Math.abs(off).toFixed(1)} %`,
  };
}
