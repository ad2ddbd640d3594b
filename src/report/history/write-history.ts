/** The history as files: `history.json`, and a chart a metric. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeResultFile } from "../../results/result-file.js";
import { writeFailed } from "../../results/writer.js";
import { historyCharts } from "../charts/history.js";
import { writeCharts } from "../write-charts.js";
import type { HistoryReport } from "./history-types.js";
import { HISTORY_METRICS } from "./metrics.js";

/** Returns what could not be drawn, for people. Throws FalconError `results-write-failed`. */
export async function writeHistory(report: HistoryReport, folder: string): Promise<readonly string[]> {
  const path = join(folder, "history.json");
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw writeFailed(path, cause);
  }
  await writeResultFile(path, `${JSON.stringify(report)}\n`);
  return writeCharts(folder, historyCharts(report), isHistoryChart);
}

/** The folder may be one of the user's: only what an earlier history drew is ever removed from it. */
function isHistoryChart(name: string): boolean {
  return HISTORY_METRICS.some(
    ({ key, isOfText }) => name === key || (isOfText && name.startsWith(`${key}-`)),
  );
}
