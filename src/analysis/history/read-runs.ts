/** The runs of one experiment in order of time, each with its figures. */
import { mapAtOnce } from "../../base/at-once.js";
import { FalconError } from "../../base/errors.js";
import { RunPaths } from "../../run/paths.js";
import type { RunIndexEntry } from "../../run/run-index.js";
import type { SmallFiles } from "../../run/small-files.js";
import { type RunFigures, RunFiguresReader, type SummaryFigures } from "./run-figures.js";
import type { HistoryRun } from "./series.js";

export interface ReadHistory {
  readonly runs: readonly HistoryRun[];
  /** Runs whose records could not be read, for people. */
  readonly warnings: readonly string[];
}

/** On a network disk files are read side by side, so that its delays do not add up. */
const AT_ONCE = 16;

/** `summaries` are those of the runs that have a current one, by their folders. */
export async function readHistoryRuns(
  entries: readonly RunIndexEntry[],
  summaries: ReadonlyMap<string, SummaryFigures>,
  files: SmallFiles,
): Promise<ReadHistory> {
  const reader = new RunFiguresReader(files);
  const runs: HistoryRun[] = [];
  const warnings: string[] = [];
  await mapAtOnce(entries, AT_ONCE, async (entry) => {
    const { figures, problem } = await figuresOf(entry, summaries.get(entry.folder) ?? null, reader);
    if (problem !== null) warnings.push(`${entry.path}: ${problem}`);
    const started_at = figures?.run.at ?? entry.started_at ?? timeOf(entry.run_id);
    // A run with neither records nor a time in its name has no place in time.
    if (started_at === null) return;
    runs.push({ run_id: entry.run_id, started_at, status: entry.status, figures });
  });
  runs.sort((a, b) => compareText(a.started_at, b.started_at) || compareText(a.run_id, b.run_id));
  return { runs, warnings: warnings.sort() };
}

async function figuresOf(
  entry: RunIndexEntry,
  summary: SummaryFigures | null,
  reader: RunFiguresReader,
): Promise<{ readonly figures: RunFigures | null; readonly problem: string | null }> {
  if (entry.status === "damaged" || entry.configurations.length === 0) {
    return { figures: null, problem: entry.problem };
  }
  try {
    const figures = await reader.read(new RunPaths(entry.folder), summary);
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
