/** `quality.csv`: one row per configuration and text, and one per configuration and metric of lm-evaluation-harness. */

import { stringify } from "csv-stringify/sync";
import { csvText } from "../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../run/summary-schema.js";

export type QualityRow = Readonly<Record<string, string | number | boolean | null>>;

export function qualityRows(summary: RunSummary): QualityRow[] {
  return summary.configurations.flatMap((configuration) => {
    const shared = {
      run_id: summary.run_id,
      experiment: summary.experiment,
      model: configuration.axes.model ?? summary.model_name,
      configuration_id: configuration.id,
      configuration: configuration.label,
      is_reference: configuration.is_reference,
      ...axisColumns(summary, configuration),
    };
    return [...textRows(configuration), ...taskRows(configuration)].map((row) => ({
      ...shared,
      ...EMPTY,
      ...row,
    }));
  });
}

/** One column for each axis that varies in the experiment, with values as in the labels. */
function axisColumns({ configurations }: RunSummary, { axes }: ConfigurationSummary): QualityRow {
  const names = new Set(configurations.flatMap((one) => Object.keys(one.axes)));
  names.delete("model");
  return Object.fromEntries([...names].map((name) => [name, axes[name] ?? null]));
}

/** Null if nothing was scored. */
export function qualityCsv(summary: RunSummary): string | null {
  const rows = qualityRows(summary);
  if (rows.length === 0) return null;
  const cells = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, typeof value === "string" ? csvText(value) : value]),
    ),
  );
  return stringify(cells, { header: true, cast: { boolean: (value) => (value ? "true" : "false") } });
}

/** All columns, in their order; texts and tasks fill different ones. */
const EMPTY: QualityRow = {
  kind: null,
  name: null,
  status: null,
  failure_code: null,
  tokens: null,
  tokens_scored: null,
  context: null,
  perplexity: null,
  perplexity_ci95_low: null,
  perplexity_ci95_high: null,
  ppl_ratio: null,
  ppl_ratio_ci95_low: null,
  ppl_ratio_ci95_high: null,
  kl_mean_nats: null,
  kl_mean_ci95_low_nats: null,
  kl_mean_ci95_high_nats: null,
  kl_median_nats: null,
  kl_p90_nats: null,
  kl_p99_nats: null,
  kl_max_nats: null,
  kl_reverse_mean_nats: null,
  kl_reverse_median_nats: null,
  top1_agreement: null,
  top1_agreement_ci95_low: null,
  top1_agreement_ci95_high: null,
  metric: null,
  value: null,
  stderr: null,
  samples: null,
  task_version: null,
};

function textRows({ quality }: ConfigurationSummary): QualityRow[] {
  return quality.map((one) => ({
    kind: "text",
    name: one.text_id,
    status: one.status,
    failure_code: one.failure_code,
    tokens: one.tokens,
    tokens_scored: one.tokens_scored,
    context: one.context,
    perplexity: one.perplexity?.value ?? null,
    perplexity_ci95_low: one.perplexity?.ci95_low ?? null,
    perplexity_ci95_high: one.perplexity?.ci95_high ?? null,
    ppl_ratio: one.ppl_ratio?.value ?? null,
    ppl_ratio_ci95_low: one.ppl_ratio?.ci95_low ?? null,
    ppl_ratio_ci95_high: one.ppl_ratio?.ci95_high ?? null,
    kl_mean_nats: one.kl_divergence?.mean ?? null,
    kl_mean_ci95_low_nats: one.kl_divergence?.ci95_low ?? null,
    kl_mean_ci95_high_nats: one.kl_divergence?.ci95_high ?? null,
    kl_median_nats: one.kl_divergence?.median ?? null,
    kl_p90_nats: one.kl_divergence?.p90 ?? null,
    kl_p99_nats: one.kl_divergence?.p99 ?? null,
    kl_max_nats: one.kl_divergence?.max ?? null,
    kl_reverse_mean_nats: one.kl_divergence_reverse?.mean ?? null,
    kl_reverse_median_nats: one.kl_divergence_reverse?.median ?? null,
    top1_agreement: one.top1_agreement?.value ?? null,
    top1_agreement_ci95_low: one.top1_agreement?.ci95_low ?? null,
    top1_agreement_ci95_high: one.top1_agreement?.ci95_high ?? null,
  }));
}

function taskRows({ lm_eval }: ConfigurationSummary): QualityRow[] {
  return lm_eval.map((result) => ({
    kind: "lm_eval",
    name: result.task,
    status: "completed",
    metric: result.filter === "none" ? result.metric : `${result.metric},${result.filter}`,
    value: result.value,
    stderr: result.stderr,
    samples: result.samples,
    task_version: result.task_version,
  }));
}
