/** `run --fail-on`: judges the run that has just ended by its budgets, and by the runs before it. */
import { dirname } from "node:path";
import type { FailCondition } from "../analysis/history/fail-on.js";
import { buildHistory } from "../analysis/history/history.js";
import { readHistoryRuns } from "../analysis/history/read-runs.js";
import { OUTCOME_WORDS } from "../render/terminal/history.js";
import { checkText } from "../render/words/history.js";
import type { RunPaths } from "../run/paths.js";
import { SmallFiles } from "../run/small-files.js";
import { historyRuns } from "./history-runs.js";
import type { CommandIo } from "./io.js";

/** Whether the run breaks one of the conditions; prints the outcome of each on stderr. Runs that began after it do not count. */
export async function judgeRun(
  io: CommandIo,
  { folder, runId }: RunPaths,
  conditions: readonly FailCondition[],
): Promise<boolean> {
  const files = new SmallFiles(io.clock);
  const found = await historyRuns(dirname(folder), "", { cwd: io.cwd, files });
  const { runs, warnings } = await readHistoryRuns(found.entries, found.summaries, files);
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  const own = runs.findIndex(({ run_id }) => run_id === runId);
  const { checks } = buildHistory(runs.slice(0, own + 1), {
    experiment: found.experiment,
    conditions,
    everySec: null,
    now: io.clock.now(),
  });
  for (const check of checks) io.stderr.write(`${OUTCOME_WORDS[check.outcome]} ${checkText(check)}\n`);
  return checks.some(({ outcome }) => outcome === "regression");
}
