/** The numbers that a verdict of one line is made of. */
import type { ConfigurationSummary, Effect } from "../run/summary-schema.js";

export interface PerplexityChange {
  /** Ratios to the reference's over the texts: the lowest and the highest. */
  readonly lowest: number;
  readonly highest: number;
  readonly texts: number;
  /** Texts whose interval lies above 1, and below it. */
  readonly worse: number;
  readonly better: number;
}

export interface Headline {
  /** Bytes of weights, this ÷ reference. */
  readonly weights: number | null;
  readonly memory: Effect | null;
  readonly speed: Effect | null;
  readonly isSpeedPerToken: boolean;
  /** Null where no text was scored on both. */
  readonly perplexity: PerplexityChange | null;
  readonly pairs: number;
  readonly answersEqual: number;
  /** Drawn, not loaded: their answers say nothing. */
  readonly haveRandomWeights: boolean;
}

/** Null for a reference, and for what could not be compared with one. */
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
