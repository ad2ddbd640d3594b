/// <reference lib="dom" />
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exploreInput } from "../../../src/render/charts/inputs/explore.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { startChromium } from "../../fixtures/chromium.js";
import { scoredRun } from "../../fixtures/quality.js";
import { fakeRun, TWELVE_LONG } from "../../fixtures/records.js";
import { opened } from "./opened.js";

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

const choose = (page: Page, name: string) => page.getByRole("combobox", { name });
const axisTitles = (page: Page) =>
  page.locator('[data-chart="tradeoff"] .role-axis-title text').allTextContents();

test("any metric is drawn over any other, in a colour and in panels that are chosen", async () => {
  const { page, chart, complaints } = await opened(browser, scoredRun());
  await chart("tradeoff");
  await choose(page, "Horizontal").selectOption("peak_memory_bytes");
  await choose(page, "Vertical").selectOption("ttft_sec");
  await choose(page, "Colour").selectOption("configuration");
  await expect
    .poll(() => axisTitles(page))
    .toEqual(expect.arrayContaining(["peak memory (GB), lower is better", "TTFT (s), lower is better"]));
  const figure = page.locator('[data-chart="tradeoff"]');
  expect(await figure.locator(".role-legend-label text").allTextContents()).toEqual([
    "bf16 (unquantized)",
    "int8",
    "fp4",
  ]);
  await choose(page, "Panels").selectOption("quantization");
  await expect
    .poll(() => figure.locator(".role-column-title, .role-header-title").count())
    .toBeGreaterThan(0);
  await expect.poll(() => figure.locator(".mark-group.cell > g").count()).toBe(3);
  await page.getByRole("button", { name: "Reset" }).click();
  await expect.poll(() => axisTitles(page)).toContain("Weights (GB), lower is better");
  expect(complaints).toEqual([]);
});

test("a chosen chart keeps its colours and axes when configurations are hidden", async () => {
  const { page, chart } = await opened(browser, scoredRun());
  await chart("tradeoff");
  await choose(page, "Colour").selectOption("configuration");
  const point = page.locator('[data-chart="tradeoff"] .mark-symbol path[aria-label*="fp4"]').first();
  await page.locator('[data-chart="tradeoff"] .role-legend-label').first().waitFor();
  const seen = async () => [await point.getAttribute("fill"), await point.getAttribute("transform")];
  const before = await seen();
  await page.locator('[data-select="int8"]').click();
  await expect
    .poll(() => page.locator('[data-chart="tradeoff"] .mark-symbol path[aria-label*="int8"]').count())
    .toBe(0);
  expect(await seen()).toEqual(before);
});

test("a link brings back what was chosen: chart, configurations, sorting, answers", async () => {
  const { page, chart } = await opened(browser, fakeRun().records);
  await chart("tradeoff");
  await choose(page, "Vertical").selectOption("elapsed_sec");
  await page.locator('[data-select="int8"]').click();
  await page.locator("#results th button", { hasText: "weights" }).click();
  await page.getByLabel("Search").fill("seine");
  await page.getByLabel("Only answers that differ").check();
  await page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Answers" }).click();
  await expect.poll(() => page.url()).toContain("#answers?");
  const url = page.url();
  await page.goto("about:blank");
  await page.goto(url);
  expect(await page.locator(".question:visible").count()).toBe(1);
  expect(await page.getByLabel("Only answers that differ").isChecked()).toBe(true);
  expect(await page.locator('#results [data-configuration="int8"]').isVisible()).toBe(false);
  expect(await page.locator('[data-select="int8"]').getAttribute("aria-pressed")).toBe("false");
  expect(await page.locator("#results th[aria-sort=ascending]").textContent()).toContain("weights");
  await chart("tradeoff");
  expect(await axisTitles(page)).toContain("time (s), lower is better");
  // In a link that was edited by hand, malformed or unknown choices are ignored, and nothing in them can run.
  await page.goto(`${url.split("#")[0]}#%E0%A4?x=nothing&show=<script>`);
  await page.reload();
  expect(await page.locator("#results tbody tr:visible").count()).toBe(3);
});

test("every answer has a link of its own", async () => {
  const { page, url } = await opened(browser, fakeRun().records);
  await page.locator("#question-2 .answer", { hasText: "int8" }).locator("h4 a").click();
  expect(page.url()).toMatch(/#question-2-int8$/);
  await page.goto("about:blank");
  await page.goto(`${url}#question-3-fp4`);
  const top = await page.locator("#question-3-fp4").evaluate((one) => one.getBoundingClientRect().top);
  expect(top).toBeGreaterThanOrEqual(0);
  expect(top).toBeLessThan(720);
  const names = await page.locator("[id]").evaluateAll((all) => all.map(({ id }) => id));
  expect(new Set(names).size).toBe(names.length);
});

test("by keyboard: Shift with a name shows it alone, Escape shows all again", async () => {
  const { page } = await opened(browser, fakeRun().records);
  await page.locator('[data-select="fp4"]').focus();
  await page.keyboard.press("Shift+Enter");
  expect(await page.locator("#results tbody tr:visible").count()).toBe(1);
  // In a field, Escape only closes what is open there.
  await choose(page, "Horizontal").focus();
  await page.keyboard.press("Escape");
  expect(await page.locator("#results tbody tr:visible").count()).toBe(1);
  await page.locator('[data-select="fp4"]').focus();
  await page.keyboard.press("Escape");
  expect(await page.locator("#results tbody tr:visible").count()).toBe(3);
});

test("what can be chosen is what the run measured and what its experiment varies", () => {
  const input = exploreInput(writeSummary(groupRecords(scoredRun(), "test")));
  const keys = input?.metrics.map(({ key }) => key) ?? [];
  expect(keys).toEqual(
    expect.arrayContaining(["weights_bytes", "peak_memory_bytes", "decode_tokens_per_sec", "elapsed_sec"]),
  );
  expect(keys.filter((key) => key.startsWith("kl_mean_nats:"))).not.toEqual([]);
  expect(keys.some((key) => key.startsWith("lm-eval:"))).toBe(true);
  expect(keys).not.toContain("energy_per_token_joules");
  expect(input?.groups.map(({ key }) => key)).toEqual(["configuration", "quantization"]);
  const long = exploreInput(
    writeSummary(groupRecords(fakeRun({ configurations: TWELVE_LONG }).records, "test")),
  );
  expect(long?.groups[0]?.values).toEqual(long?.rows.map(({ label }) => label));
});
