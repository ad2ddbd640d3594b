import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { readPageBundle } from "../../../src/render/html/bundle.js";
import { reportHtml } from "../../../src/render/html/page.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import type { RunFileRecord } from "../../../src/run/record-types.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { newPage } from "../../fixtures/chromium.js";
import { scratchFolder } from "../../fixtures/run-folder.js";

/** Opens the page from disk. A request for anything but the page itself is a complaint. */
export async function opened(
  browser: Browser,
  records: readonly RunFileRecord[],
  options: Parameters<typeof newPage>[2] = {},
  change: (html: string) => string = (html) => html,
) {
  const path = join(scratchFolder(), "report.html");
  writeFileSync(path, change(await renderPage(records)));
  const url = pathToFileURL(path).href;
  const { page, complaints } = await newPage(browser, url, options);
  await page.goto(url);
  /** Waits until a chart is drawn. */
  const chart = async (name: string) => {
    const figure = page.locator(`[data-chart="${name}"]`);
    await figure.evaluate((one) => one.closest("details")?.setAttribute("open", ""));
    await figure.scrollIntoViewIfNeeded();
    await figure.locator("[data-drawn] svg").waitFor();
    return figure;
  };
  return { page, complaints, chart, url };
}

/** Returns the HTML of the page of these records. */
async function renderPage(records: readonly RunFileRecord[]): Promise<string> {
  const data = groupRecords(records, "test");
  return reportHtml(data, writeSummary(data), await readPageBundle());
}
