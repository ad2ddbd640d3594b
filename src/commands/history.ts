import { resolve } from "node:path";
import { parseFailCondition } from "../analysis/history/fail-on.js";
import { readHistoryRuns } from "../analysis/history/read-runs.js";
import { ExitCode } from "../base/exit-codes.js";
import { loadDrawing } from "../render/charts/write-charts.js";
import { judgeAndDraw, writeHistory } from "../render/charts/write-history.js";
import { historyMarkdown } from "../render/markdown/history.js";
import { historyText } from "../render/terminal/history.js";
import { canShowBlocks } from "../render/terminal/picture/picture-kind.js";
import { writeReasons } from "../render/words/reasons.js";
import { SmallFiles } from "../run/small-files.js";
import { historyRuns } from "./history-runs.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export interface HistoryArgs {
  /** An experiment file, an experiment's name, or a folder of runs. */
  readonly experiment: string;
  readonly results: string;
  readonly failOn: readonly string[];
  /** Use only this many runs, the newest ones. */
  readonly last?: number;
  /** Use only runs that started at this time or later. */
  readonly since?: Date;
  /** Seconds between scheduled runs. */
  readonly every?: number;
  readonly out?: string;
  /** If false, nothing is written. */
  readonly charts: boolean;
  readonly markdown: boolean;
  readonly json: boolean;
}

/** `falcon-exp history`: shows each metric over the runs of an experiment, and what changed when. Exit code 9 on a regression. */
export async function run(io: CommandIo, args: HistoryArgs): Promise<number> {
  const conditions = args.failOn.map(parseFailCondition);
  const files = new SmallFiles(io.clock);
  // The drawing threads start while the runs are being found.
  const loading = args.charts ? loadDrawing() : null;
  const found = await historyRuns(args.experiment, args.results, { cwd: io.cwd, files });
  const drawing = await loading;
  const entries = found.entries.slice(0, args.last);
  const { runs, warnings } = await readHistoryRuns(entries, found.summaries, files);
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  const since = args.since?.toISOString() ?? "";
  const history = await judgeAndDraw(
    runs.filter(({ started_at }) => started_at >= since),
    { experiment: found.experiment, conditions, everySec: args.every ?? null, now: io.clock.now() },
    drawing,
  );
  const { report } = history;
  const out = args.out === undefined ? resolve(found.folder, "history") : resolve(io.cwd, args.out);
  // Printing the values need not wait for the charts.
  const writing = drawing === null ? null : writeHistory(history, out, drawing);
  if (args.json) printJson(io, writeReasons(report));
  else if (args.markdown) io.stdout.write(historyMarkdown(report));
  else io.stdout.write(`${historyText(report, { ...io, blocks: canShowBlocks(io.env) })}\n`);
  if (writing !== null) {
    for (const warning of await writing) io.stderr.write(`warning: ${warning}\n`);
    if (!args.json && !args.markdown) io.stdout.write(`\nCharts: ${out}\n`);
  }
  return report.checks.some(({ outcome }) => outcome === "regression") ? ExitCode.regression : ExitCode.ok;
}
