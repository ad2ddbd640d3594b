/** The numbers behind a one-line verdict. */
import type { ConfigurationSummary, Effect } from "../run/summary-schema.js";

export interface PerplexityChange {
  /** The lowest and the highest ratio to the reference's perplexity among the texts. */
  readonly lowest: number;
  readonly highest: number;
  readonly texts: number;
  /** The number of texts whose interval is entirely above 1 (worse) or below 1 (better). */
  readonly worse: number;
  readonly better: number;
}

export interface Headline {
  /** Bytes of weights, this ÷ reference. */
  readonly weights: number | null;
  readonly memory: Effect | null;
  readonly speed: Effect | null;
  readonly isSpeedPerToken: boolean;
  /** Null if no text was scored for both. */
  readonly perplexity: PerplexityChange | null;
  readonly pairs: number;
  readonly answersEqual: number;
  /** Whether the weights were drawn at random instead of loaded, so that the answers mean nothing. */
  readonly haveRandomWeights: boolean;
}

/** Null for a reference, and for a configuration that could not be compared with its reference. */
export function computeHeadline(configuration: ConfigurationSummary): Headline | null {
  const { against_reference: comparison, weights_bytes, load_sec } = configuration;
  if (comparison === null) return null;
  return {
    weights: comparison.weights_ratio,
    memory: comparison.memory,
    speed: comparison[comparison.judged_by],
    isSpeedPerToken: comparison.judged_by === "time_per_token",
    perplexity: computePerplexityChange(configuration),
    pairs: comparison.pairs,
    answersEqual: comparison.answers_equal,
    haveRandomWeights: weights_bytes !== null && load_sec === null,
  };
}

function computePerplexityChange({ quality }: ConfigurationSummary): PerplexityChange | null {
  const ratios = quality.flatMap(({ ppl_ratio }) => ppl_ratio ?? []);
  if (ratios.length === 0) return null;
  const values = ratios.map(({ value }) => value);
  return {
    lowest: Math.min(...values),
    highest: Math.max(...values),
    texts: ratios.length,
    worse: ratios.filter(({ ci95_low }) => ci95_low !== null && ci95_low > 1).length,
    better: ratios.filter(({ ci95_high }) => ci95_high !== null && ci95_high < 1).length,
  };
}
