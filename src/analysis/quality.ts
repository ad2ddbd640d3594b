/** How much quality is lost, text by text: perplexity, and KL divergence and top-1 agreement against the reference. */
import { computeQuantile, computeStatistics } from "../base/statistics.js";
import type { QualityMeasurement } from "../protocol/quality.js";
import type { ConfigurationData } from "../run/run-data.js";
import type { Interval, KlDivergence, QualitySummary } from "../run/summary-schema.js";

const NOTHING = {
  failure_code: null,
  tokens: null,
  tokens_scored: null,
  context: null,
  perplexity: null,
  ppl_ratio: null,
  kl_divergence: null,
  kl_divergence_reverse: null,
  top1_agreement: null,
  note: null,
} as const;

export function summarizeQuality(
  configuration: ConfigurationData,
  reference: ConfigurationData | null,
): readonly QualitySummary[] {
  return configuration.quality.map((record): QualitySummary => {
    const { text_id, status } = record;
    if (record.status === "failed") {
      return { ...NOTHING, text_id, status, failure_code: record.failure.code };
    }
    const { measurement } = record;
    const against = measurement.against_reference;
    return {
      text_id,
      status,
      failure_code: null,
      tokens: measurement.tokens,
      tokens_scored: measurement.token_nll.length,
      context: measurement.context,
      perplexity: computePerplexity(measurement),
      ppl_ratio:
        reference === null || reference === configuration
          ? null
          : computePerplexityRatio(measurement, findQualityMeasurement(reference, text_id)),
      kl_divergence: against === null ? null : computeKlDivergence(against.kl_nats),
      kl_divergence_reverse:
        against?.kl_reverse_nats == null ? null : computeKlDivergence(against.kl_reverse_nats),
      top1_agreement: against === null ? null : computeShare(against.top1_equal),
      note: measurement.against_reference_note,
    };
  });
}

export function findQualityMeasurement(
  configuration: ConfigurationData,
  textId: string,
): QualityMeasurement | null {
  const record = configuration.quality.find(({ text_id }) => text_id === textId);
  return record?.status === "completed" ? record.measurement : null;
}

/** exp of the mean negative log-likelihood and of its 95 % interval, by Student's t over tokens. */
export function computePerplexity({ token_nll }: Pick<QualityMeasurement, "token_nll">) {
  return exponentialMean(token_nll);
}

/**
 * exp(mean difference of negative log-likelihoods, own − reference, token by token). Paired, because most of what makes a token
 * hard is the same for both and cancels out. Null unless both scored exactly the same tokens.
 */
export function computePerplexityRatio(
  own: Pick<QualityMeasurement, "token_nll" | "token_ids_sha256">,
  reference: Pick<QualityMeasurement, "token_nll" | "token_ids_sha256"> | null,
) {
  const differences = listTokenDifferences(own, reference);
  return differences === null ? null : exponentialMean(differences);
}

/** Differences of negative log-likelihoods, own − reference, token by token. Null unless both scored exactly the same tokens. */
export function listTokenDifferences(
  own: Pick<QualityMeasurement, "token_nll" | "token_ids_sha256">,
  reference: Pick<QualityMeasurement, "token_nll" | "token_ids_sha256"> | null,
): number[] | null {
  if (reference === null || own.token_ids_sha256 !== reference.token_ids_sha256) return null;
  return own.token_nll.map((nll, index) => nll - (reference.token_nll[index] ?? nll));
}

function exponentialMean(values: readonly number[]): ({ readonly value: number } & Interval) | null {
  const statistics = computeStatistics(values);
  if (statistics === null) return null;
  const { mean, ci95_low, ci95_high } = statistics;
  const exp = (value: number | null) => (value === null ? null : Math.exp(value));
  return { value: Math.exp(mean), ci95_low: exp(ci95_low), ci95_high: exp(ci95_high) };
}

export function computeKlDivergence(nats: readonly number[]): KlDivergence | null {
  const statistics = computeStatistics(nats);
  if (statistics === null) return null;
  const sorted = nats.toSorted((a, b) => a - b);
  return {
    mean: statistics.mean,
    // A divergence is never negative, so the interval must not extend below 0.
    ci95_low: statistics.ci95_low === null ? null : Math.max(0, statistics.ci95_low),
    ci95_high: statistics.ci95_high,
    median: statistics.median,
    p90: computeQuantile(sorted, 0.9),
    p99: computeQuantile(sorted, 0.99),
    max: statistics.max,
  };
}

/** z of a 95 % interval. */
const Z_95 = 1.959963984540054;

/** A share with its Wilson score interval, which stays between 0 and 1 and is valid even close to them. */
export function computeShare(hits: readonly (0 | 1)[]): ({ readonly value: number } & Interval) | null {
  const n = hits.length;
  if (n === 0) return null;
  const share = hits.reduce<number>((sum, hit) => sum + hit, 0) / n;
  const z2n = (Z_95 * Z_95) / n;
  const centre = (share + z2n / 2) / (1 + z2n);
  const half = (Z_95 * Math.sqrt((share * (1 - share)) / n + z2n / (4 * n))) / (1 + z2n);
  return { value: share, ci95_low: Math.max(0, centre - half), ci95_high: Math.min(1, centre + half) };
}
