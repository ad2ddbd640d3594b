/** Columns of the trial itself. */
import { computeMedian } from "../../base/median.js";
import type { RecordedTrial } from "../record-types.js";
import { findFailure } from "../run-data.js";
import { always, column, type RowSource, type TableColumn } from "./column.js";

/** Null for a trial that failed. */
function measured<K extends keyof RecordedTrial>(key: K) {
  return ({ trial }: RowSource): RecordedTrial[K] | null =>
    trial?.status === "completed" ? trial.measurement[key] : null;
}

function failed({ trial, configuration }: RowSource) {
  if (trial === null) return findFailure(configuration);
  return trial.status === "failed" ? trial.failure : null;
}

export const TRIAL_COLUMNS: readonly TableColumn[] = [
  column.string("trial_id", "the trial, unique in its run", ({ trial }) => trial?.trial_id),
  column.int64("trial_index", "within its configuration, from 0", ({ trial }) => trial?.trial_index),
  column.string("prompt_id", "the prompt", ({ trial }) => trial?.prompt_id),
  column.int64("prompt_index", "from 0", ({ trial }) => trial?.prompt_index),
  column.int64("repeat", "over all rounds, from 0", ({ trial }) => trial?.repeat),
  column.int64("round", "which load of the configuration, from 0", ({ trial }) => trial?.round),
  column.int64("attempt", "at this load of the configuration, from 1", ({ trial }) => trial?.attempt),
  column.string(
    "reused_from_run_id",
    "the earlier run that measured it; null where it was this one",
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
  column.int64("input_tokens", "of the prompt", measured("input_tokens")),
  column.int64("output_tokens", "of the answer", measured("output_tokens")),
  column.string("finish_reason", "length or eos", measured("finish_reason")),
  column.double("elapsed_sec", "the whole trial", measured("elapsed_sec")),
  column.double("ttft_sec", "to the first token", measured("ttft_sec")),
  column.double(
    "itl_median_sec",
    "median between one token and the next; each is in `records.jsonl`",
    (source) => {
      const times = measured("itl_sec")(source);
      return times === null ? null : computeMedian(times);
    },
  ),
  column.double("tpot_sec", "per token after the first", measured("tpot_sec")),
  column.double(
    "prefill_tokens_per_sec",
    "prompt tokens by time to first token",
    measured("prefill_tokens_per_sec"),
  ),
  column.double("decode_tokens_per_sec", "answer tokens after the first", measured("decode_tokens_per_sec")),
  column.int64(
    "peak_memory_allocated_bytes",
    "most GPU memory allocated, over all GPUs",
    measured("peak_memory_allocated_bytes"),
  ),
  column.int64(
    "peak_memory_reserved_bytes",
    "most GPU memory reserved, over all GPUs",
    measured("peak_memory_reserved_bytes"),
  ),
  column.int64(
    "device_memory_used_bytes",
    "of this process, as NVML has it",
    measured("device_memory_used_bytes"),
  ),
  column.int64("peak_rss_bytes", "peak RSS of the trial process", measured("peak_rss_bytes")),
  column.string("peak_rss_source", "how it was read", measured("peak_rss_source")),
  column.double("energy_joules", "used during the trial", measured("energy_joules")),
  column.string("energy_source", "nvml, amdsmi or rapl", measured("energy_source")),
  column.int64("seed", "that this trial really used", measured("seed")),
  column.boolean("chat_template_applied", "to the prompt", measured("chat_template_applied")),
  column.string("output_ids_sha256", "equal means the same tokens", measured("output_ids_sha256")),
  column.string("output_text", "what the model answered", measured("output_text")),
];
