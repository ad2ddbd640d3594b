/** Everything that is made from records: summary, tables, answers, charts and the page. The same records give the same bytes. */

import { rm } from "node:fs/promises";
import type { RunPaths } from "../run/paths.js";
import { mergeTaskRecords } from "../run/read-run-records.js";
import { describeRecordWarning } from "../run/reader.js";
import { writeResultFile, writeResultPieces } from "../run/result-file.js";
import { type RunData, readRun } from "../run/run-data.js";
import type { RunSummary } from "../run/summary-schema.js";

import { BYTE_ORDER_MARK, csvFilePieces, csvPieces } from "../run/table/csv.js";

import { tableParquet } from "../run/table/parquet.js";
import { listRows } from "../run/table/rows.js";
import { buildCharts } from "./charts/charts.js";
import { chartInputs } from "./charts/inputs/chart-inputs.js";
import { describeError, loadDrawing, writeCharts } from "./charts/write-charts.js";
import { readPageBundle } from "./html/bundle.js";
import { reportHtml } from "./html/page.js";
import { answersMarkdown } from "./markdown/answers-markdown.js";
import { qualityCsv } from "./quality-csv.js";
import { pickShown } from "./shown-part.js";
import { writeSummary } from "./words/summary.js";

export interface WrittenReport {
  readonly summary: RunSummary;
  readonly data: RunData;
  /** What could not be read or drawn, in words for people; everything else was still written. */
  readonly warnings: readonly string[];
}

/**
 * Reads the records and writes everything that is made from them. `loading`: Vega loads in a thread of its own while this one
 * reads, and draws while this one writes. Throws FalconError `results-write-failed` and the reader's errors.
 */
export async function writeReport(paths: RunPaths, loading = loadDrawing()): Promise<WrittenReport> {
  const ofTasks = await mergeTaskRecords(paths);
  const { data, warnings: ofRecords } = await readRun(paths.folder);
  const warnings = (ofTasks.length > 0 ? ofTasks : ofRecords).map(describeRecordWarning);
  const summary = writeSummary(data);
  const shown = pickShown(data, summary);
  const charts = buildCharts(chartInputs(shown.data, shown.summary));
  const drawing = await loading;
  // Errors are reported when the charts are written.
  for (const { spec } of charts) drawing.render?.(spec).catch(() => {});
  await writeResultFile(paths.summary, `${JSON.stringify(summary, null, 2)}\n`);
  await writeResultPieces(paths.csv, csvFilePieces(csvPieces(listRows([data]))));
  await writeResultFile(paths.parquet, tableParquet(listRows([data])));
  const quality = qualityCsv(summary);
  if (quality === null) await rm(paths.qualityCsv, { force: true });
  else await writeResultFile(paths.qualityCsv, `${BYTE_ORDER_MARK}${quality}`);
  await writeResultFile(paths.answers, answersMarkdown(data));
  const bundle = await readPageBundle().catch((error: unknown) => {
    warnings.push(`report.html cannot be made here: ${describeError(error)}`);
    return null;
  });
  if (bundle === null) await rm(paths.html, { force: true });
  else await writeResultFile(paths.html, reportHtml(data, summary, bundle));
  if (data.environment !== null) {
    const environment = { controller: data.run.controller, worker: data.environment };
    await writeResultFile(paths.environment, `${JSON.stringify(environment, null, 2)}\n`);
  }
  if (shown.note !== null) warnings.push(`charts and report.html: ${shown.note}`);
  warnings.push(...(await writeCharts(paths.charts, charts, { drawing })));
  return { summary, data, warnings };
}
