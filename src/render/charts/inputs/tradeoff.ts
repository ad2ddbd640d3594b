import { haveBatches } from "../../../analysis/batches.js";
import { isMostlyUnquantized } from "../../../analysis/quantized-share.js";
import { safeLine } from "../../../base/text.js";
import { BYTES_PER_GB } from "../../../base/units.js";
import type { ConfigurationSummary, RunSummary } from "../../../run/summary-schema.js";
import { shownName } from "../../words/names.js";
import { MOSTLY_UNQUANTIZED } from "../../words/quantized-share.js";
import { dominates, type TradeoffInput, type TradeoffPoint } from "../tradeoff.js";

/** Null if fewer than two configurations were measured, because there is then nothing to trade off. */
export function tradeoffInput(summary: RunSummary, randomNote: string | null): TradeoffInput | null {
  const rows = tradeoffPoints(summary);
  if (rows.length < 2) return null;
  const [textId] = summary.configurations.flatMap(({ quality }) => quality.map(({ text_id }) => text_id));
  return {
    modelName: safeLine(summary.model_name),
    textId: textId === undefined ? null : safeLine(textId),
    randomNote,
    hasBatches: haveBatches(summary),
    rows,
  };
}

/** The measured configurations. One is optimal if no other is at least as good in every value and better in at least one. */
export function tradeoffPoints(summary: RunSummary): TradeoffPoint[] {
  const points = summary.configurations.flatMap((configuration) => {
    const { weights_bytes, batch_tokens_per_sec, decode_tokens_per_sec } = configuration;
    const rate = batch_tokens_per_sec ?? decode_tokens_per_sec;
    if (weights_bytes === null || rate === null) return [];
    return [
      {
        configuration: configuration.id,
        label: `${shownName(configuration)}${isMostlyUnquantized(configuration) ? ` (${MOSTLY_UNQUANTIZED})` : ""}`,
        weightsGb: weights_bytes / BYTES_PER_GB,
        tokensPerSec: rate.median,
        low: rate.n > 1 ? rate.min : null,
        high: rate.n > 1 ? rate.max : null,
        kl: findKlDivergence(configuration),
        isReference: configuration.is_reference,
        reference: configuration.reference_id,
      },
    ];
  });
  return points.map((point) => ({
    ...point,
    // Only points with the same reference are compared: a small divergence from its own reference makes no model better than
    // another.
    isOptimal: !points.some((other) => {
      return (
        other.configuration !== point.configuration &&
        other.reference === point.reference &&
        dominates(other, point)
      );
    }),
  }));
}

function findKlDivergence({ is_reference, quality }: ConfigurationSummary): number | null {
  if (is_reference && quality.length > 0) return 0;
  return quality[0]?.kl_divergence?.mean ?? null;
}
