/** Writes the history as files: `history.json` and one chart per metric. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isHistoryChart } from "../../analysis/history/chart-name.js";
import { type HistoryOptions, judgeHistory } from "../../analysis/history/history.js";
import type { HistoryReport } from "../../analysis/history/history-types.js";
import type { HistoryRun } from "../../analysis/history/series.js";
import { writeResultFile } from "../../run/result-file.js";
import { writeFailed } from "../../run/writer.js";
import { writeReasons } from "../words/reasons.js";
import type { Chart } from "./charts.js";
import { historyChart } from "./history.js";
import { type Drawing, writeCharts } from "./write-charts.js";

export interface DrawnHistory {
  readonly report: HistoryReport;
  readonly charts: readonly Chart[];
}

/**
 * Judges the runs, and starts drawing each chart while the next one is judged; `drawing` remembers what it has drawn. Returns no
 * charts if `drawing` is null.
 */
export async function judgeAndDraw(
  runs: readonly HistoryRun[],
  options: HistoryOptions,
  drawing: Drawing | null,
): Promise<DrawnHistory> {
  const charts: Chart[] = [];
  const steps = judgeHistory(runs, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { report: step.value, charts };
    if (drawing === null) continue;
    const { name, header, series } = step.value;
    const chart = { name, spec: historyChart(header, series) };
    charts.push(chart);
    // A chart that cannot be drawn is reported when it is written.
    drawing.render?.(chart.spec).catch(() => {});
    await setImmediate();
  }
}

/** Returns warnings, for people, about what could not be drawn. Throws FalconError `results-write-failed`. */
export async function writeHistory(
  { report, charts }: DrawnHistory,
  folder: string,
  drawing: Drawing,
): Promise<readonly string[]> {
  const path = join(folder, "history.json");
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw writeFailed(path, cause);
  }
  await writeResultFile(path, `${JSON.stringify(writeReasons(report))}\n`);
  // The folder may be one of the user's: only what an earlier history drew is ever removed from it.
  return writeCharts(folder, charts, { isOurs: isHistoryChart, drawing });
}
