/** `npm run bench:report-html`: how large the page of a run with 1,000 trials is, and how fast it opens. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readPageBundle } from "../src/render/html/bundle.js";
import { reportHtml } from "../src/render/html/page.js";
import { writeSummary } from "../src/render/words/summary.js";
import { groupRecords } from "../src/run/run-data.js";
import { startChromium } from "../test/fixtures/chromium.js";
import { fakeRun, THREE } from "../test/fixtures/records.js";

const ROUNDS = 5;
const MOST_BYTES = 5_000_000;
const MOST_SEC = 2;

// Five configurations × 20 prompts × 10 repeats, with answers of 130 words that differ from each other.
const configurations = [...THREE, { id: "nf4" }, { id: "nf4-nested" }];
const prompts = Array.from({ length: 20 }, (_, i) => `Question ${i + 1}?`);
const answer = (configuration: string, prompt: number, repeat: number) =>
  Array.from(
    { length: 130 },
    (_, i) => `word${(i * (prompt + 3) + repeat * configuration.length) % 97}`,
  ).join(" ");
const { records } = fakeRun({ configurations, prompts, repeats: 10, answer });
const data = groupRecords(records, "bench");
const html = reportHtml(data, writeSummary(data), await readPageBundle());

const folder = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
const browser = await startChromium();
try {
  const path = join(folder, "report.html");
  writeFileSync(path, html);
  const opened: number[] = [];
  const drawn: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const page = await browser.newPage();
    const started = performance.now();
    await page.goto(pathToFileURL(path).href);
    opened.push((performance.now() - started) / 1e3);
    await page.locator("[data-chart]").first().scrollIntoViewIfNeeded();
    await page.locator("[data-drawn] svg").first().waitFor({ state: "attached" });
    drawn.push((performance.now() - started) / 1e3);
    await page.close();
  }
  const slowest = Math.max(...opened);
  const trials = records.filter(({ kind }) => kind === "trial").length;
  console.log(`${trials} trials: ${(Buffer.byteLength(html) / 1e6).toFixed(2)} MB`);
  const listed = (seconds: readonly number[]) => seconds.map((sec) => sec.toFixed(2)).join(", ");
  console.log(`open: ${listed(opened)} s; scrolled to the first chart, and it is drawn: ${listed(drawn)} s`);
  process.exitCode = Buffer.byteLength(html) < MOST_BYTES && slowest < MOST_SEC ? 0 : 1;
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
