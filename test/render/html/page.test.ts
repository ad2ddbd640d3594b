/// <reference lib="dom" />
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startChromium } from "../../fixtures/chromium.js";
import { scoredRun } from "../../fixtures/quality.js";
import { fakeRun, THREE, TWELVE_LONG } from "../../fixtures/records.js";
import { opened } from "./opened.js";

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

test("every section is there in its order, every chart is drawn, and nothing is asked for or complained of", async () => {
  const { page, complaints, chart } = await opened(browser, scoredRun());
  expect(await page.locator("main > section").evaluateAll((all) => all.map(({ id }) => id))).toEqual([
    "verdicts",
    "results",
    "runs",
    "comparison",
    "answers",
    "proof",
    "failures",
    "environment",
    "again",
  ]);
  const names = await page.locator("[data-chart]").evaluateAll((all) => all.map((one) => one.dataset.chart));
  expect(names).toHaveLength(8);
  for (const name of names) await chart(name ?? "");
  expect(await page.locator("#again code").first().textContent()).toContain("falcon-exp run results/quant/");
  expect(complaints).toEqual([]);
});

test("the table is sorted by a click: up, down, then as it was, and says so", async () => {
  const { page } = await opened(browser, fakeRun().records);
  const labels = () =>
    page.locator(".results tbody th").evaluateAll((all) => all.map((one) => one.dataset.value));
  const head = page.locator(".results th", { hasText: "weights" });
  await head.getByRole("button").click();
  expect(await labels()).toEqual(["fp4", "int8", "none"]);
  expect(await head.getAttribute("aria-sort")).toBe("ascending");
  await head.getByRole("button").click();
  expect(await labels()).toEqual(["none", "int8", "fp4"]);
  await page.locator(".results th button", { hasText: "configuration" }).click();
  expect(await labels()).toEqual(["fp4", "int8", "none"]);
  expect(await head.getAttribute("aria-sort")).toBe("none");
});

test("a button hides a configuration everywhere: verdicts, table, charts, answers, proof; All brings it back", async () => {
  const { page, chart } = await opened(browser, scoredRun());
  const overview = await chart("overview");
  expect(await overview.locator("svg").textContent()).toContain("int8");
  await page.locator('[data-select="int8"]').click();
  await expect.poll(() => overview.locator("svg").textContent()).not.toContain("int8");
  const shown = await page
    .locator('[data-configuration="int8"]')
    .evaluateAll((all) => all.filter((one) => one.getClientRects().length > 0).length);
  expect(shown).toBe(0);
  expect(await page.locator('.results [data-configuration="fp4"]').isVisible()).toBe(true);
  expect(await page.locator('[data-select="int8"]').getAttribute("aria-pressed")).toBe("false");
  await page.locator("#select-all").click();
  await expect.poll(() => overview.locator("svg").textContent()).toContain("int8");
  expect(await page.locator('.results [data-configuration="int8"]').isVisible()).toBe(true);
});

test.each([
  ["a point", "tradeoff", ".mark-symbol path"],
  ["a legend's entry", "kl-tails", ".role-legend-label text"],
  ["an axis' name", "inter-token", ".role-axis-label text >> text=int8"],
])("a click on %s of a chart shows that configuration alone, once more all", async (_, name, mark) => {
  const { page, chart } = await opened(browser, scoredRun());
  const figure = await chart(name);
  await figure.locator(mark).first().click();
  await expect.poll(() => page.locator('.chip[data-select][aria-pressed="true"]').count()).toBe(1);
  expect(await page.locator(".results tbody tr:visible").count()).toBe(1);
  const again = await chart(name);
  await again
    .locator(name === "tradeoff" ? mark : mark)
    .first()
    .click();
  await expect.poll(() => page.locator('.chip[data-select][aria-pressed="true"]').count()).toBe(3);
});

test("a mark that is pointed at tells its figures", async () => {
  const { page, chart } = await opened(browser, scoredRun());
  await (await chart("tradeoff")).locator(".mark-symbol path").first().hover();
  const tooltip = page.locator("#vg-tooltip-element.visible");
  await tooltip.waitFor();
  expect(await tooltip.textContent()).toMatch(/configuration.*none.*weights \(GB\).*0\.269/);
});

test("the button turns the page and its charts dark and light, whatever the system has", async () => {
  const { page, chart } = await opened(browser, fakeRun().records, { colorScheme: "dark" });
  const title = (await chart("overview")).locator(".role-title-text text").first();
  const colors = async () => [
    await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
    await title.evaluate((one) => getComputedStyle(one).fill),
  ];
  expect(await colors()).toEqual(["rgb(20, 23, 26)", "rgb(231, 233, 235)"]);
  await page.locator("#theme").click();
  expect(await colors()).toEqual(["rgb(255, 255, 255)", "rgb(34, 34, 34)"]);
  await page.locator("#theme").click();
  expect(await colors()).toEqual(["rgb(20, 23, 26)", "rgb(231, 233, 235)"]);
});

test("differences are told by elements, tokens apart, and what only the reference said can be left out", async () => {
  const { page } = await opened(browser, fakeRun().records);
  const said = page.locator('.answer[data-configuration="fp4"] .said').nth(1);
  await said.scrollIntoViewIfNeeded();
  expect(await said.locator("ins i").allTextContents()).toEqual([" really"]);
  const poem = page.locator('.answer[data-configuration="int8"]').nth(2);
  expect(await poem.locator("ins i").allTextContents()).toEqual([" It", " hunts."]);
  expect(await poem.locator("p").first().textContent()).toMatch(/^parts from the reference at token \d+$/);
  const removed = page.locator("#answers .said del");
  const visible = () =>
    removed.evaluateAll((all) => all.filter((one) => one.getClientRects().length > 0).length);
  await page.locator("#show-removed").uncheck();
  expect(await visible()).toBe(0);
});

test("a long answer is folded until it is asked for", async () => {
  const { page } = await opened(
    browser,
    fakeRun({ answer: () => "A long line of an answer.\n".repeat(100), prompts: ["one"] }).records,
  );
  const card = page.locator(".answer").first();
  await card.scrollIntoViewIfNeeded();
  const height = () => card.locator(".said").evaluate((one) => one.getBoundingClientRect().height);
  const folded = await height();
  await card.getByRole("button", { name: "Show all" }).click();
  expect(await height()).toBeGreaterThan(folded * 3);
  await card.getByRole("button", { name: "Show less" }).click();
  expect(await height()).toBe(folded);
});

test("by keyboard alone: past the head, to a configuration, to a column, with the focus to be seen", async () => {
  const { page } = await opened(browser, fakeRun().records);
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to the results");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("configuration");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
  expect(outline).toBe("solid");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  expect(await page.locator(".results tbody th").first().textContent()).toContain("fp4");
  for (let step = 0; step < 2; step++) await page.keyboard.press("Shift+Tab");
  expect(await focused()).toBe("fp4");
  await page.keyboard.press("Space");
  expect(await page.locator('[data-select="fp4"]').getAttribute("aria-pressed")).toBe("false");
});

test.each([380, 1600])("in %i pixels nothing has to be scrolled sideways, charts included", async (width) => {
  for (const records of [scoredRun(), fakeRun({ configurations: TWELVE_LONG }).records]) {
    const { page, chart } = await opened(browser, records, { viewport: { width, height: 900 } });
    for (const name of ["overview", "tradeoff", "inter-token"]) await chart(name);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const tooWide = await page
      .locator(".canvas svg")
      .evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().right > innerWidth).length);
    expect(tooWide).toBe(0);
  }
});

test("on paper all is light and open, whatever was folded or dark", async () => {
  const records = fakeRun({
    answer: () => "A long line.\n".repeat(200),
    configurations: THREE.map((one, i) => (i === 1 ? { ...one, failsAtLoad: {} } : one)),
  }).records;
  const { page } = await opened(browser, records, { colorScheme: "dark" });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const { background, heights, closed } = await page.evaluate(() => ({
    background: getComputedStyle(document.body).backgroundColor,
    heights: [...document.querySelectorAll(".said")].map((one) => one.getBoundingClientRect().height),
    closed: document.querySelectorAll("details:not([open])").length,
  }));
  expect(background).toBe("rgb(255, 255, 255)");
  expect(Math.min(...heights)).toBeGreaterThan(1_000);
  expect(closed).toBe(0);
  expect(await page.locator(".selection").isVisible()).toBe(false);
  await expect.poll(() => page.locator("[data-chart]:not([hidden]) [data-drawn]").count()).toBeGreaterThan(4);
});

test("a failure tells its cause and the next step", async () => {
  const configurations = THREE.map((one, i) => (i === 1 ? { ...one, failsAtLoad: {} } : one));
  const { page, complaints } = await opened(browser, fakeRun({ configurations }).records);
  const text = await page.locator("#failures").textContent();
  expect(text).toContain("quantization-not-applied");
  expect(text).toContain("Next: Use `workarounds: auto`");
  expect(await page.locator("#failures details").count()).toBe(1);
  expect(complaints).toEqual([]);
});
