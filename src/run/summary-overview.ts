/** What a list of runs takes from `summary.json` (docs/results.md); the rest of it is not looked at. */
import { z } from "zod";

const median = z
  .object({ median: z.number() })
  .nullable()
  .transform((statistics) => statistics?.median ?? null);

export const summaryOverviewSchema = z.object({
  experiment: z.string(),
  run_id: z.string(),
  status: z.enum(["completed", "partly_failed", "all_failed", "interrupted"]),
  started_at: z.string(),
  elapsed_sec: z.number(),
  model_name: z.string(),
  trials_planned: z.number(),
  trials_completed: z.number(),
  trials_failed: z.number(),
  configurations: z.array(
    z
      .object({
        id: z.string(),
        label: z.string(),
        is_reference: z.boolean(),
        status: z.enum(["completed", "failed", "cancelled", "skipped", "interrupted", "not_run"]),
        failure: z.object({ code: z.string(), message: z.string() }).nullable(),
        trials_planned: z.number(),
        trials_completed: z.number(),
        trials_failed: z.number(),
        load_sec: z.number().nullable(),
        weights_bytes: z.number().nullable(),
        memory_metric: z.enum(["peak_memory_allocated_bytes", "peak_rss_bytes"]).nullable(),
        peak_memory_bytes: median,
        elapsed_sec: median,
        ttft_sec: median,
        decode_tokens_per_sec: median,
      })
      .transform(({ failure, peak_memory_bytes, elapsed_sec, ttft_sec, decode_tokens_per_sec, ...same }) => ({
        ...same,
        problem: failure === null ? null : `${failure.code}: ${failure.message}`,
        median_peak_memory_bytes: peak_memory_bytes,
        median_elapsed_sec: elapsed_sec,
        median_ttft_sec: ttft_sec,
        median_decode_tokens_per_sec: decode_tokens_per_sec,
      })),
  ),
});
