/** What is shown of a run that is too large for a page: the first references, each with everything compared with it. */
import { groupByReference } from "../analysis/reference-groups.js";
import { isWhole, type RunData } from "../run/run-data.js";
import type { RunSummary } from "../run/summary-schema.js";

/** Nobody could tell more curves, rows and answers apart, and a page with thousands of them would not open. */
export const MOST_SHOWN = 100;

export interface ShownPart {
  readonly data: RunData;
  readonly summary: RunSummary;
  /** Says what is left out and where to find it; null if nothing is left out. */
  readonly note: string | null;
}

export function pickShown(data: RunData, summary: RunSummary): ShownPart {
  const count = summary.configurations.length;
  if (count <= MOST_SHOWN) return { data, summary, note: null };
  const shown = new Set<string>();
  for (const { reference, configurations } of groupByReference(summary.configurations)) {
    if (shown.size > 0 && shown.size + configurations.length > MOST_SHOWN) break;
    if (reference !== null) shown.add(reference.id);
    for (const { id } of configurations) if (shown.size < MOST_SHOWN) shown.add(id);
  }
  const named = (total: number) => total.toLocaleString("en");
  const hidden = data.configurations.filter((one) => !shown.has(one.plan.worker.id) && !isWhole(one)).length;
  const problems =
    hidden === 0
      ? ""
      : ` Of those left out, ${named(hidden)} failed or ${hidden === 1 ? "is" : "are"} incomplete.`;
  return {
    data: {
      ...data,
      configurations: data.configurations.filter(({ plan }) => shown.has(plan.worker.id)),
    },
    summary: {
      ...summary,
      configurations: summary.configurations.filter(({ id }) => shown.has(id)),
    },
    note: `The first ${named(shown.size)} of ${named(count)} configurations are shown, together with their references; all are in summary.json, records.csv and records.parquet.${problems}`,
  };
}
