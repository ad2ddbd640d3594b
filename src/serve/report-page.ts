import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { html } from "hono/html";
import { overviewBars } from "../report/picture/bars.js";
import { summarize } from "../report/summary.js";
import { resultTable } from "../report/terminal-table.js";
import type { RunPaths } from "../results/paths.js";
import { readRun } from "../results/run-data.js";
import { addressOf } from "./addresses.js";
import { type Html, layout, text } from "./pages/layout.js";

const REPORT_FILE = "report.html";

/** A report brings its script and style inside it. It is a file, and so may be anybody's: it sees nothing of this server. */
export const REPORT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "sandbox allow-scripts allow-modals allow-downloads",
].join("; ");

/** The run's `report.html`, where it was written after the last record; else null. */
export async function writtenReport(paths: RunPaths): Promise<string | null> {
  const file = join(paths.folder, REPORT_FILE);
  try {
    const [report, records] = await Promise.all([lstat(file), lstat(paths.records)]);
    const isCurrent = report.isFile() && report.mtimeMs >= records.mtimeMs;
    return isCurrent ? await readFile(file, "utf8") : null;
  } catch {
    return null;
  }
}

/** The figures of a run that has no current report (it goes on, or was killed), from its records as they are now. Throws the reader's FalconErrors. */
export async function reportPage(path: string, paths: RunPaths): Promise<Html> {
  const { data } = await readRun(paths.folder);
  const summary = summarize(data);
  const style = { columns: 110, color: false };
  return layout(
    path,
    html`<h1>${text(path)}</h1><p><a href="${addressOf.live(path)}">What was recorded, in its order</a></p>
<pre>${resultTable(summary, style)}

${overviewBars(summary, { ...style, blocks: true })}</pre>`,
  );
}
