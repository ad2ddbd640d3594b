/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findAccessibilityViolations } from "../../fixtures/axe.js";
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
    "comparison",
    "results",
    "tradeoff",
    "quality",
    "answers",
    "latency",
    "charts",
    "proof",
    "failures",
    "environment",
    "again",
  ]);
  const names = await page.locator("[data-chart]").evaluateAll((all) => all.map((one) => one.dataset.chart));
  expect(names).toHaveLength(9);
  for (const name of names) await chart(name ?? "");
  expect(await page.locator("#again code").first().textContent()).toContain("falcon-exp run results/quant/");
  expect(complaints).toEqual([]);
});

test("the page has the quality of every text and every task, and what the table's words mean", async () => {
  const { page } = await opened(browser, scoredRun());
  const rows = (name: string) => page.getByRole("table", { name }).locator("tbody tr");
  expect(await rows("Quality by text").count()).toBe(3);
  expect(await rows("Quality by text").nth(2).textContent()).toMatch(/fp4.*english.*1\.221.*66\.7 %/s);
  expect(await rows("Quality by task").nth(1).textContent()).toMatch(/int8.*everyday.*acc.*95\.0 % ± 3\.5/s);
  const said = await page.locator("#results").textContent();
  expect(said).toContain("Peak RSS is the whole process with its libraries");
  expect(said).toContain("Estimate against measurement");
});

test("a verdict is one line first, and what was not quantized is called by what it is", async () => {
  const { page } = await opened(browser, scoredRun());
  expect(await page.locator("#verdicts .headline").allTextContents()).toEqual([
    "1.7× smaller, 3.8× slower (1 load each), 1.2× less peak RSS, perplexity +11 % (quality loss is real)",
    "2.4× smaller, 3.4× slower (1 load each), 1.3× less peak RSS, perplexity +22 % (quality loss is real)",
  ]);
  expect(await page.locator(".results").first().locator("tbody th").first().textContent()).toBe(
    "bf16 (unquantized)\u00a0*",
  );
});

test("a page that was sent to somebody saves its charts by itself, and has no link that leads out of it", async () => {
  const { page, chart, complaints } = await opened(browser, scoredRun());
  const links = await page
    .locator("a")
    .evaluateAll((all) => all.map((one) => one.getAttribute("href") ?? ""));
  expect(links.filter((href) => !href.startsWith("#"))).toEqual([]);
  const missing = await page.evaluate(
    (all) => all.filter((href) => document.querySelector(href) === null),
    links,
  );
  expect(missing).toEqual([]);
  const figure = await chart("overview");
  const saved = async (format: string) => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      figure.getByRole("button", { name: `Save as ${format}` }).click(),
    ]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  };
  const svg = await saved("SVG");
  expect(svg.name).toBe("overview.svg");
  expect(svg.bytes.toString()).toMatch(/^<svg.*bf16 \(unquantized\)/s);
  // As in the files of the run's folder, no colour comes from the page's own style.
  expect(svg.bytes.toString()).not.toContain("var(");
  const png = await saved("PNG");
  expect(png.bytes.subarray(1, 4).toString()).toBe("PNG");
  const spec = JSON.parse((await saved("Vega-Lite")).bytes.toString());
  expect(spec.$schema).toContain("vega-lite");
  expect(complaints.filter((one) => !one.startsWith("request: blob:"))).toEqual([]);
});

test.each([700, 900, 1100, 1400])(
  "in %i pixels no head or name of a table is broken within a word",
  async (width) => {
    const { page } = await opened(browser, scoredRun(), { viewport: { width, height: 900 } });
    const heights = await page
      .locator(".results thead th")
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
    expect(Math.max(...heights)).toBeLessThan(60);
    const tornNames = await page.locator(".results tbody th bdi").evaluateAll((all) =>
      all.filter((one) => {
        const words = (one.textContent ?? "").split(" ").length;
        return one.getClientRects().length > words;
      }),
    );
    expect(tornNames).toEqual([]);
  },
);

test("colours mean the same whatever is selected", async () => {
  const { page, chart } = await opened(browser, scoredRun());
  const fill = async () => {
    const point = (await chart("tradeoff")).locator('.mark-symbol path[aria-label*="fp4"]').first();
    return point.getAttribute("fill");
  };
  const before = await fill();
  await page.locator('[data-select="int8"]').click();
  await page.locator('[data-select="none"]').click();
  const figure = await chart("tradeoff");
  await expect.poll(() => figure.locator(".mark-symbol path").count()).toBeLessThan(3);
  expect(await fill()).toBe(before);
});

test("a link in the contents opens a folded section", async () => {
  const { page } = await opened(browser, fakeRun().records);
  const list = page.locator("#proof dl").first();
  expect(await list.isVisible()).toBe(false);
  await page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "What ran" }).click();
  expect(await list.isVisible()).toBe(true);
});

test("answers are found by a word, and those as the reference's are left out when asked for", async () => {
  const { page } = await opened(browser, fakeRun().records);
  await page.getByLabel("Search").fill("seine");
  expect(await page.locator(".question:visible").count()).toBe(1);
  await page.getByLabel("Search").fill("");
  const same = page.locator(".answer[data-same]");
  expect(await same.count()).toBeGreaterThan(0);
  await page.getByLabel("Only answers that differ").check();
  expect(await page.locator(".answer[data-same]:visible").count()).toBe(0);
});

test("many configurations are a table of verdicts, and a folded filter that is searched", async () => {
  const { page } = await opened(browser, fakeRun({ configurations: TWELVE_LONG }).records);
  const verdicts = page.getByRole("table", { name: /^Verdicts/ });
  expect(await verdicts.locator("tbody tr").count()).toBe(11);
  const bar = await page.locator(".selection").boundingBox();
  expect(bar?.height).toBeLessThan(60);
  await page.locator(".filter summary").click();
  await page.getByLabel("Search").first().fill("nf4");
  await page.getByRole("button", { name: "Show only these" }).click();
  expect(await page.locator("#results tbody tr:visible").count()).toBe(3);
  expect(await page.locator("#selected").textContent()).toBe("3 of 12 shown");
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
  expect(await page.locator('#results [data-configuration="fp4"]').isVisible()).toBe(true);
  expect(await page.locator('[data-select="int8"]').getAttribute("aria-pressed")).toBe("false");
  await page.locator("#select-all").click();
  await expect.poll(() => overview.locator("svg").textContent()).toContain("int8");
  expect(await page.locator('#results [data-configuration="int8"]').isVisible()).toBe(true);
});

test.each([
  ["a point", "tradeoff", '.mark-symbol path[aria-label*="configuration"]'],
  ["a legend's entry", "kl-tails", ".role-legend-label text"],
  ["an axis' name", "inter-token", ".role-axis-label text >> text=int8"],
])("a click on %s of a chart shows that configuration alone, once more all", async (_, name, mark) => {
  const { page, chart } = await opened(browser, scoredRun());
  const figure = await chart(name);
  await figure.locator(mark).first().click();
  await expect.poll(() => page.locator('.chip[data-select][aria-pressed="true"]').count()).toBe(1);
  expect(await page.locator("#results tbody tr:visible").count()).toBe(1);
  const again = await chart(name);
  await again
    .locator(name === "tradeoff" ? mark : mark)
    .first()
    .click();
  await expect.poll(() => page.locator('.chip[data-select][aria-pressed="true"]').count()).toBe(3);
});

test("a mark that is pointed at tells its figures", async () => {
  const { page, chart } = await opened(browser, scoredRun());
  await (await chart("tradeoff")).locator('.mark-symbol path[aria-label*="configuration"]').first().hover();
  const tooltip = page.locator("#vg-tooltip-element.visible");
  await tooltip.waitFor();
  expect(await tooltip.textContent()).toMatch(/configuration.*bf16 \(unquantized\).*weights \(GB\).*0\.269/);
});

test("the button turns the page and its charts dark and light, whatever the system has, and keeps the choice", async () => {
  const { page, chart } = await opened(browser, fakeRun().records, { colorScheme: "dark" });
  const title = (await chart("overview")).locator(".role-title-text text").first();
  const colors = async () => [
    await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
    await title.evaluate((one) => getComputedStyle(one).fill),
  ];
  expect(await colors()).toEqual(["rgb(20, 23, 26)", "rgb(231, 233, 235)"]);
  await page.locator("#theme").click();
  expect(await colors()).toEqual(["rgb(255, 255, 255)", "rgb(34, 34, 34)"]);
  await page.reload();
  expect(await page.locator("#theme").textContent()).toBe("Dark theme");
  await chart("overview");
  expect(await colors()).toEqual(["rgb(255, 255, 255)", "rgb(34, 34, 34)"]);
  await page.locator("#theme").click();
  expect(await colors()).toEqual(["rgb(20, 23, 26)", "rgb(231, 233, 235)"]);
});

test("differences are told by elements, tokens apart", async () => {
  const { page } = await opened(browser, fakeRun().records);
  const said = page.locator('.answer[data-configuration="fp4"] .said').nth(1);
  await said.scrollIntoViewIfNeeded();
  expect(await said.locator("ins i").allTextContents()).toEqual([" really"]);
  const poem = page.locator('.answer[data-configuration="int8"]').nth(2);
  expect(await poem.locator("ins i").allTextContents()).toEqual([" It", " hunts."]);
  expect(await poem.locator("p").first().textContent()).toMatch(/^first differs at token \d+$/);
});

test("what only the reference said is shown when asked for, and answers are readable without", async () => {
  const said = (one: string) => `The sky ${one} because air scatters short wavelengths of sunlight.`;
  const answer = (configuration: string) => said(configuration === "fp4" ? "looks azure" : "is blue");
  const { page } = await opened(browser, fakeRun({ answer, prompts: ["one"] }).records);
  const text = page.locator('.answer[data-configuration="fp4"] .said');
  await text.scrollIntoViewIfNeeded();
  expect((await text.innerText()).replace("▸", "")).toBe(said("looks azure"));
  await page.getByLabel("Show text that is only in the reference").check();
  expect(await text.locator("del").innerText()).toBe(" is blue");
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
  expect(await focused()).toBe("Verdict");
  await page.locator(".results .figure button").first().focus();
  await page.keyboard.press("Shift+Tab");
  expect(await focused()).toBe("configuration");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
  expect(outline).toBe("solid");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  expect(await page.locator(".results tbody th").first().textContent()).toContain("fp4");
  await page.locator(".contents a").first().focus();
  await page.keyboard.press("Shift+Tab");
  expect(await focused()).toBe("fp4");
  await page.keyboard.press("Space");
  expect(await page.locator('[data-select="fp4"]').getAttribute("aria-pressed")).toBe("false");
});

test.each([
  [380, "three configurations", scoredRun()],
  [380, "twelve with long labels", fakeRun({ configurations: TWELVE_LONG }).records],
  [1600, "three configurations", scoredRun()],
  [1600, "twelve with long labels", fakeRun({ configurations: TWELVE_LONG }).records],
] as const)(
  "in %i pixels nothing has to be scrolled sideways, charts included: %s",
  async (width, _, records) => {
    const { page, chart } = await opened(browser, records, { viewport: { width, height: 900 } });
    for (const name of ["overview", "tradeoff", "inter-token"]) await chart(name);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const tooWide = await page
      .locator(".canvas svg")
      .evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().right > innerWidth).length);
    expect(tooWide).toBe(0);
  },
);

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

test.each([
  ["light", 1400, scoredRun()],
  ["dark", 380, scoredRun()],
  ["light", 900, fakeRun({ configurations: TWELVE_LONG }).records],
] as const)("axe-core finds nothing: %s, %i pixels", async (colorScheme, width, records) => {
  const { page, chart } = await opened(browser, records, { colorScheme, viewport: { width, height: 900 } });
  for (const name of ["overview", "tradeoff"]) await chart(name);
  expect(await findAccessibilityViolations(page)).toEqual([]);
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
