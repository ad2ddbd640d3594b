/** Columns of the trial itself. */

import { readTrialCell, trialMetrics } from "../../metrics/registry.js";
import { describePrompt } from "../../protocol/prompt.js";
import { findFailure } from "../run-data.js";
import { always, column, metricColumn, type RowSource, type TableColumn } from "./column.js";

function failed({ trial, configuration }: RowSource) {
  if (trial === null) return findFailure(configuration);
  return trial.status === "failed" ? trial.failure : null;
}

/** Null for a trial that failed. */
const METRIC_COLUMNS = trialMetrics.flatMap((metric): readonly TableColumn[] =>
  metric.column === undefined
    ? []
    : [
        metricColumn(metric.key, metric.column, ({ trial }) =>
          trial?.status === "completed" ? readTrialCell(metric, trial.measurement) : null,
        ),
      ],
);

export const TRIAL_COLUMNS: readonly TableColumn[] = [
  column.string("trial_id", "the trial, unique in its run", ({ trial }) => trial?.trial_id),
  column.int64("trial_index", "within its configuration, from 0", ({ trial }) => trial?.trial_index),
  column.string("prompt_id", "the prompt", ({ trial }) => trial?.prompt_id),
  column.int64("prompt_index", "from 0", ({ trial }) => trial?.prompt_index),
  column.string("prompt", "its text; a conversation as a transcript", ({ data, trial }) => {
    const { prompts } = data.run;
    // Prompts are in the order of their indexes, unless some were left out.
    const near = prompts[trial?.prompt_index ?? -1];
    const isOwn = ({ prompt_index }: { readonly prompt_index: number }) =>
      prompt_index === trial?.prompt_index;
    const own = near !== undefined && isOwn(near) ? near : prompts.find(isOwn);
    return own === undefined ? null : describePrompt(own.prompt);
  }),
  column.int64("repeat", "over all rounds, from 0", ({ trial }) => trial?.repeat),
  column.int64("round", "which load of the configuration, from 0", ({ trial }) => trial?.round),
  column.int64("attempt", "which try of this load, from 1", ({ trial }) => trial?.attempt),
  column.string(
    "reused_from_run_id",
    "the earlier run that measured it; null if it was this one",
    ({ trial }) => trial?.reused_from?.run_id,
  ),
  always(
    column.string(
      "status",
      "completed or failed; without a trial the configuration's",
      ({ trial, configuration }) => trial?.status ?? configuration.status,
    ),
  ),
  column.timestamp(
    "finished_at",
    "when it ended (UTC)",
    ({ trial, configuration }) => trial?.at ?? configuration.outcome?.at,
  ),
  column.string("failure_code", "why it failed ([errors.md](errors.md))", (source) => failed(source)?.code),
  column.string("failure_message", "in words", (source) => failed(source)?.message),
  column.string("disturbed_by", "what disturbed the trial; null if nothing did", ({ trial }) =>
    trial?.status === "completed" && trial.disturbed_by.length > 0 ? trial.disturbed_by.join("; ") : null,
  ),
  ...METRIC_COLUMNS,
];
