/** The runs of one experiment in order of time, each with its values. */

import { FalconError } from "../../base/errors.js";
import { mapConcurrent } from "../../base/io.js";
import { RunPaths } from "../../run/paths.js";
import type { RunIndexEntry } from "../../run/run-index.js";
import type { SmallFiles } from "../../run/small-files.js";
import { type RunValues, RunValuesReader, type SummaryValues } from "./run-values.js";
import type { HistoryRun } from "./series.js";

export interface ReadHistory {
  readonly runs: readonly HistoryRun[];
  /** Messages for people about runs whose records are damaged or could not be read. */
  readonly warnings: readonly string[];
}

/** Files on a network disk are read concurrently, so that its delays do not add up. */
const CONCURRENCY = 16;

/** `summaries` maps a run's folder to its summary, for the runs that have a current one. */
export async function readHistoryRuns(
  entries: readonly RunIndexEntry[],
  summaries: ReadonlyMap<string, SummaryValues>,
  files: SmallFiles,
): Promise<ReadHistory> {
  const reader = new RunValuesReader(files);
  const runs: HistoryRun[] = [];
  const warnings: string[] = [];
  await mapConcurrent(entries, CONCURRENCY, async (entry) => {
    const { runValues, problem } = await readRunValues(entry, summaries.get(entry.folder) ?? null, reader);
    if (problem !== null) warnings.push(`${entry.path}: ${problem}`);
    const started_at = runValues?.run.at ?? entry.started_at ?? parseTime(entry.run_id);
    // A run with neither records nor a time in its name cannot be placed in time.
    if (started_at === null) return;
    runs.push({ run_id: entry.run_id, started_at, status: entry.status, runValues });
  });
  runs.sort((a, b) => compareText(a.started_at, b.started_at) || compareText(a.run_id, b.run_id));
  return { runs, warnings: warnings.sort() };
}

async function readRunValues(
  entry: RunIndexEntry,
  summary: SummaryValues | null,
  reader: RunValuesReader,
): Promise<{ readonly runValues: RunValues | null; readonly problem: string | null }> {
  if (entry.status === "damaged" || entry.configurations.length === 0) {
    return { runValues: null, problem: entry.problem };
  }
  try {
    const runValues = await reader.read(new RunPaths(entry.folder), summary);
    return { runValues, problem: entry.problem };
  } catch (error) {
    if (error instanceof FalconError) return { runValues: null, problem: error.message };
    throw error;
  }
}

/** `20261124T023746Z-a1b2` → its time. Null for any other name. */
function parseTime(runId: string): string | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-/.exec(runId);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
