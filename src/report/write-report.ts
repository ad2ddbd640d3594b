/** Everything that is drawn from records: summary, tables, answers, charts and the page. The same records give the same bytes. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { CHART_ENDINGS, type RunPaths } from "../results/paths.js";
import { type RunData, readRun } from "../results/run-data.js";
import { tableCsv } from "../results/table/csv.js";
import { tableParquet } from "../results/table/parquet.js";
import { tableRows } from "../results/table/rows.js";
import { writeFailed } from "../results/writer.js";
import { answersMarkdown } from "./answers-markdown.js";
import { chartInputs } from "./chart-inputs/chart-inputs.js";
import { type Chart, chartsOf } from "./charts/charts.js";
import { readPageBundle } from "./html/bundle.js";
import { reportHtml } from "./html/page.js";
import { qualityCsv } from "./quality-csv.js";
import { type ChartRenderer, createRenderer, type RenderedChart } from "./render.js";
import { type RunSummary, summarize } from "./summary.js";

export interface WrittenReport {
  readonly summary: RunSummary;
  readonly data: RunData;
  /** What could not be read or drawn, for people; the rest was written all the same. */
  readonly warnings: readonly string[];
}

/** Reads `records.jsonl` and writes all that is drawn from it. Throws FalconError `results-write-failed` and the reader's. */
export async function writeReport(paths: RunPaths): Promise<WrittenReport> {
  const { data, warnings: readWarnings } = await readRun(paths.folder);
  const warnings = readWarnings.map(({ line, message }) => `records.jsonl:${line}: ${message}`);
  const summary = summarize(data);
  const write = async (path: string, content: string | Uint8Array) => {
    try {
      await writeFileAtomic(path, typeof content === "string" ? content : Buffer.from(content));
    } catch (cause) {
      throw writeFailed(path, cause);
    }
  };
  await write(paths.summary, `${JSON.stringify(summary, null, 2)}\n`);
  const rows = tableRows([data]);
  await write(paths.csv, tableCsv(rows));
  await write(paths.parquet, tableParquet(rows));
  const quality = qualityCsv(summary);
  if (quality === null) await rm(paths.qualityCsv, { force: true });
  else await write(paths.qualityCsv, quality);
  await write(paths.answers, answersMarkdown(data));
  const bundle = await readPageBundle().catch((error: unknown) => {
    warnings.push(`report.html cannot be made here: ${messageOf(error)}`);
    return null;
  });
  if (bundle === null) await rm(paths.html, { force: true });
  else await write(paths.html, reportHtml(data, summary, bundle));
  if (data.environment !== null) {
    const environment = { controller: data.run.controller, worker: data.environment };
    await write(paths.environment, `${JSON.stringify(environment, null, 2)}\n`);
  }
  const charts = chartsOf(chartInputs(data, summary));
  try {
    await mkdir(paths.charts, { recursive: true });
  } catch (cause) {
    throw writeFailed(paths.charts, cause);
  }
  await removeOthers(paths, new Set(charts.map(({ name }) => name)));
  for (const { name, spec } of charts) {
    await write(paths.chart(name, ".vl.json"), `${JSON.stringify(spec, null, 2)}\n`);
  }
  const drawn = await drawAll(charts, warnings);
  for (const { name } of charts) {
    const images = drawn.get(name);
    if (images === undefined) await removeImages(paths, name);
    else {
      await write(paths.chart(name, ".svg"), images.svg);
      await write(paths.chart(name, ".png"), images.png);
    }
  }
  return { summary, data, warnings };
}

/** By name; what cannot be drawn is left out and told in `warnings`: figures are worth more than their pictures. */
async function drawAll(charts: readonly Chart[], warnings: string[]): Promise<Map<string, RenderedChart>> {
  const drawn = new Map<string, RenderedChart>();
  let render: ChartRenderer;
  try {
    render = await createRenderer();
  } catch (error) {
    warnings.push(`charts cannot be drawn here: ${messageOf(error)}`);
    return drawn;
  }
  for (const { name, spec } of charts) {
    try {
      drawn.set(name, await render(spec));
    } catch (error) {
      warnings.push(`the chart ${name} could not be drawn: ${messageOf(error)}`);
    }
  }
  return drawn;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An image of an earlier report would be taken for one of this specification. */
async function removeImages(paths: RunPaths, name: string): Promise<void> {
  for (const ending of [".svg", ".png"] as const) await rm(paths.chart(name, ending), { force: true });
}

/** Charts of an earlier version that nobody draws any more would else be taken for this run's. */
async function removeOthers(paths: RunPaths, wanted: ReadonlySet<string>): Promise<void> {
  for (const file of await readdir(paths.charts)) {
    const ending = CHART_ENDINGS.find((candidate) => file.endsWith(candidate));
    if (ending !== undefined && !wanted.has(file.slice(0, -ending.length))) {
      await rm(join(paths.charts, file));
    }
  }
}
