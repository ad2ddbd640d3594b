/** The columns of the table of scored texts, shared by terminal and page: one row per configuration and text. */

import { formatNats } from "../../base/units.js";
import type { Interval, QualitySummary } from "../../run/summary-schema.js";
import { formatShare } from "../words/quality.js";

export interface QualityColumn {
  readonly header: string;
  /** The header in full. */
  readonly title: string;
  /** The value to sort by; null if there is none. */
  readonly value: (quality: QualitySummary) => number | null;
  /** The text of the cell; `–` if there is no value. */
  readonly text: (quality: QualitySummary) => string;
  /** Columns of the highest rank are dropped first if there is too little room; 0 is never dropped. */
  readonly dropRank: number;
  /** Left out if no row has a value. */
  readonly isOptional?: true;
}

const NOTHING = "–";

const COLUMNS: readonly QualityColumn[] = [
  {
    header: "perplexity",
    title: "How badly the model predicts the text; lower is better",
    value: ({ perplexity }) => perplexity?.value ?? null,
    text: ({ perplexity }) => perplexity?.value.toFixed(2) ?? NOTHING,
    dropRank: 2,
  },
  {
    header: "× perplexity",
    title: "Perplexity against the reference's, with half its 95 % interval; 1 is no loss",
    value: ({ ppl_ratio }) => ppl_ratio?.value ?? null,
    text: ({ ppl_ratio }) => (ppl_ratio === null ? NOTHING : ratioText(ppl_ratio)),
    dropRank: 1,
  },
  {
    header: "KL mean",
    title: "KL divergence from the reference's probabilities, mean over tokens, nats; 0 is no loss",
    value: ({ kl_divergence }) => kl_divergence?.mean ?? null,
    text: ({ kl_divergence }) => (kl_divergence === null ? NOTHING : formatNats(kl_divergence.mean)),
    dropRank: 0,
  },
  {
    header: "KL p99",
    title: "KL divergence that 1 token in 100 exceeds, nats",
    value: ({ kl_divergence }) => kl_divergence?.p99 ?? null,
    text: ({ kl_divergence }) => (kl_divergence === null ? NOTHING : formatNats(kl_divergence.p99)),
    dropRank: 3,
  },
  {
    header: "KL back",
    title: "KL divergence of the reference from this model's probabilities, mean over tokens, nats",
    value: ({ kl_divergence_reverse: kl }) => kl?.mean ?? null,
    text: ({ kl_divergence_reverse: kl }) => (kl === null ? NOTHING : formatNats(kl.mean)),
    dropRank: 3,
    isOptional: true,
  },
  {
    header: "top-1",
    title: "Tokens whose most likely next token is the same as the reference's, with half its 95 % interval",
    value: ({ top1_agreement }) => top1_agreement?.value ?? null,
    text: ({ top1_agreement }) => (top1_agreement === null ? NOTHING : formatShare(top1_agreement)),
    dropRank: 0,
  },
];

/** Returns all columns except the optional ones that none of the rows fills. */
export function listQualityColumns(rows: readonly QualitySummary[]): readonly QualityColumn[] {
  return COLUMNS.filter(
    ({ isOptional, value }) => isOptional !== true || rows.some((row) => value(row) !== null),
  );
}

/** `1.369 ± 0.031`. */
function ratioText({ value, ci95_low, ci95_high }: { readonly value: number } & Interval): string {
  const half = ci95_low === null || ci95_high === null ? "" : ` ± ${((ci95_high - ci95_low) / 2).toFixed(3)}`;
  return `${value.toFixed(3)}${half}`;
}
