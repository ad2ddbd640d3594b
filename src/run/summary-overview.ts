/** What a list of runs takes from `summary.json` (docs/results.md); the rest of the file is ignored. */
import { z } from "zod";
import { LIST_METRICS, type ListKey, LOAD_LIST_METRICS, nameMedians, shapeOf } from "../metrics/registry.js";
import { configurationSummarySchema, summarySchema } from "./summary-schema.js";

function withoutMedians<T extends object>(configuration: T): Omit<T, ListKey> {
  const isMedian = new Set<string>(LIST_METRICS.map(({ key }) => key));
  return Object.fromEntries(Object.entries(configuration).filter(([key]) => !isMedian.has(key))) as Omit<
    T,
    ListKey
  >;
}

const configurationOverviewSchema = configurationSummarySchema
  .pick({
    id: true,
    label: true,
    is_reference: true,
    status: true,
    failure: true,
    trials_planned: true,
    trials_completed: true,
    trials_failed: true,
    ...shapeOf(LOAD_LIST_METRICS, true),
    memory_metric: true,
    ...shapeOf(LIST_METRICS, true),
  })
  .transform(({ failure, ...rest }) => ({
    ...withoutMedians(rest),
    problem: failure === null ? null : `${failure.code}: ${failure.message}`,
    ...nameMedians(({ key }) => rest[key]?.median ?? null),
  }));

export const summaryOverviewSchema = summarySchema
  .pick({
    experiment: true,
    run_id: true,
    status: true,
    started_at: true,
    model_name: true,
    trials_planned: true,
    trials_completed: true,
    trials_failed: true,
    record_problems: true,
  })
  .extend({
    /** A number, because only a run that ended counts: the summary of a run that was killed is not current. */
    elapsed_sec: z.number(),
    configurations: z.array(configurationOverviewSchema),
  });
