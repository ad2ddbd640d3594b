/** What a list of runs takes from `summary.json` (docs/results.md); the rest of it is not looked at. */
import { z } from "zod";
import { MEMORY_METRICS } from "../metrics/memory.js";
import { LIST_METRICS, type ListKey, LOAD_LIST_METRICS, nameMedians, shapeOf } from "../metrics/registry.js";

const median = z
  .object({ median: z.number() })
  .nullable()
  // Summaries of before the metric was measured lack it.
  .default(null)
  .transform((statistics) => statistics?.median ?? null);

function withoutMedians<T extends object>(configuration: T): Omit<T, ListKey> {
  const isMedian = new Set<string>(LIST_METRICS.map(({ key }) => key));
  return Object.fromEntries(Object.entries(configuration).filter(([key]) => !isMedian.has(key))) as Omit<
    T,
    ListKey
  >;
}

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
        ...shapeOf(LOAD_LIST_METRICS, z.number().nullable()),
        memory_metric: z.enum(MEMORY_METRICS).nullable(),
        ...shapeOf(LIST_METRICS, median),
      })
      .transform(({ failure, ...rest }) => ({
        ...withoutMedians(rest),
        problem: failure === null ? null : `${failure.code}: ${failure.message}`,
        ...nameMedians(({ key }) => rest[key]),
      })),
  ),
});
