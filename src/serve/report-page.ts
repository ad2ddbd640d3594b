import { lstat, readFile } from "node:fs/promises";
import { readPageBundle } from "../render/html/bundle.js";
import { html } from "../render/html/markup.js";
import { reportHtml, SKIP_LINK } from "../render/html/page.js";
import { writeSummary } from "../render/words/summary.js";
import type { RunPaths } from "../run/paths.js";
import { readRun } from "../run/run-data.js";
import { addresses } from "./pages/addresses.js";

/** A report contains its script and style. It is a file that may come from anybody, so it gets no access to this server. */
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

/**
 * Returns the run's `report.html` if it was written after the last record. Otherwise (the run is in progress, or was killed)
 * makes a report from the records as they are now, without writing it. Throws the reader's FalconErrors.
 */
export async function renderReport(paths: RunPaths): Promise<string> {
  const written = await writtenReport(paths);
  if (written !== null) return written;
  const { data } = await readRun(paths.folder);
  return reportHtml(data, writeSummary(data), await readPageBundle());
}

/** Returns the report with links at its top that lead back to the list and on to a comparison. */
export function withWayBack(report: string, path: string): string {
  const { text } =
    html`<nav class="way-back" aria-label="falcon-exp"><a href="/">← All runs</a> <a href="${addresses.compare([path])}">Compare with another run</a></nav>`;
  const before = [SKIP_LINK, "<body>"].find((mark) => report.includes(mark)) ?? "";
  const at = report.indexOf(before) + before.length;
  return report.slice(0, at) + text + report.slice(at);
}

async function writtenReport(paths: RunPaths): Promise<string | null> {
  try {
    const [report, records] = await Promise.all([lstat(paths.html), lstat(paths.records)]);
    const isCurrent = report.isFile() && report.mtimeMs >= records.mtimeMs;
    return isCurrent ? await readFile(paths.html, "utf8") : null;
  } catch {
    return null;
  }
}
