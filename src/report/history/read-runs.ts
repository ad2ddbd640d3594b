/** The runs of one experiment in order of time, each with its figures. */
import { FalconError } from "../../base/errors.js";
import { RunPaths } from "../../results/paths.js";
import type { RunIndexEntry } from "../../results/run-index.js";
import { type RunFigures, readRunFigures, type SummaryFigures } from "./run-figures.js";
import { RunHeadReader } from "./run-head.js";
import type { HistoryRun } from "./series.js";

export interface ReadHistory {
  readonly runs: readonly HistoryRun[];
  /** Runs whose records could not be read, for people. */
  readonly warnings: readonly string[];
}

/** Files are opened side by side, so that a network drive's delays do not add up. */
const AT_ONCE = 16;

/** `summaries` are those of the runs that have a current one, by their folders. */
export async function readHistoryRuns(
  entries: readonly RunIndexEntry[],
  summaries: ReadonlyMap<string, SummaryFigures>,
): Promise<ReadHistory> {
  const heads = new RunHeadReader();
  const runs: HistoryRun[] = [];
  const warnings: string[] = [];
  const waiting = entries.values();
  const work = async () => {
    for (const entry of waiting) {
      const { figures, problem } = await figuresOf(entry, summaries.get(entry.folder) ?? null, heads);
      if (problem !== null) warnings.push(`${entry.path}: ${problem}`);
      const started_at = figures?.run.at ?? entry.started_at ?? timeOf(entry.run_id);
      // A run with neither records nor a time in its name has no place in time.
      if (started_at === null) continue;
      runs.push({ run_id: entry.run_id, started_at, status: entry.status, figures });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  runs.sort((a, b) => compareText(a.started_at, b.started_at) || compareText(a.run_id, b.run_id));
  return { runs, warnings: warnings.sort() };
}

async function figuresOf(
  entry: RunIndexEntry,
  summary: SummaryFigures | null,
  heads: RunHeadReader,
): Promise<{ readonly figures: RunFigures | null; readonly problem: string | null }> {
  if (entry.status === "damaged" || entry.configurations.length === 0) {
    return { figures: null, problem: entry.problem };
  }
  try {
    const figures = await readRunFigures(new RunPaths(entry.folder), summary, heads);
    return { figures, problem: entry.problem };
  } catch (error) {
    if (error instanceof FalconError) return { figures: null, problem: error.message };
    throw error;
  }
}

/** `20261124T023746Z-a1b2` → its time; null for another name. */
function timeOf(runId: string): string | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-/.exec(runId);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
