import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startChromium } from "../../fixtures/chromium.js";
import { fakeRun, THREE } from "../../fixtures/records.js";
import { opened } from "./opened.js";

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

const NASTY = [
  "</script><script>alert(1)</script>",
  "<img src=x onerror=alert(2)>",
  "<!--<script>",
  '"><svg onload=alert(3)>',
  "\u001b[31mred\u0007",
  "\u202Egnp.exe\u202C",
  "\u2028line\u2029",
  "\u0000",
].join(" ");

test("scripts, control characters and reordering in every text do no harm, and are there to be seen", async () => {
  const { records } = fakeRun({
    answer: (configuration) => `${configuration} ${NASTY}`,
    prompts: [NASTY, "b"],
    modelName: NASTY,
    modelNote: NASTY,
    configurations: [
      ...THREE.map((one) => ({ ...one, label: `${one.id} ${NASTY}` })),
      {
        id: "broken",
        label: NASTY,
        failsAtLoad: { code: NASTY, message: NASTY, next: NASTY, stderr_tail: [NASTY] },
      },
    ],
  });
  const { page, complaints, chart } = await opened(browser, records);
  for (const name of ["overview", "tradeoff", "inter-token", "estimate"]) await chart(name);
  await (await chart("tradeoff")).locator('.mark-symbol path[aria-label*="configuration"]').first().hover();
  await page.locator("#vg-tooltip-element.visible").waitFor();
  expect(complaints).toEqual([]);
  expect(await page.locator("img, iframe, object, [onerror], [onload]").count()).toBe(0);
  expect(await page.locator("script").count()).toBe(2);
  const text = (await page.locator("#answers").textContent()) ?? "";
  expect(text).toContain("<img src=x onerror=alert(2)>");
  expect(text).toContain("[U+202E]gnp.exe");
  const html = await page.content();
  for (const harmful of ["\u001b", "\u202e", "\u0000", "\u2028"]) expect(html.includes(harmful)).toBe(false);
});

test("the page's policy refuses a script, a style and a request that were put into it", async () => {
  const { page, complaints } = await opened(browser, fakeRun().records, {}, (html) =>
    html.replace(
      "</body>",
      '<script>document.title = "taken"</script><style>body { display: none }</style><img src="https://example.invalid/x.png"></body>',
    ),
  );
  await expect.poll(() => complaints.filter((one) => one.includes("Content Security Policy")).length).toBe(3);
  expect(await page.title()).not.toBe("taken");
  expect(await page.locator("#results").isVisible()).toBe(true);
});

test("a megabyte in every answer leaves the page small and says what was cut", async () => {
  const { records } = fakeRun({
    answer: (id) => `${id}${"\u0000<&".repeat(350_000)}`,
    prompts: ["a", "b", "c"],
  });
  let length = Number.POSITIVE_INFINITY;
  const { page, complaints } = await opened(browser, records, {}, (html) => {
    length = html.length;
    return html;
  });
  expect(length).toBeLessThan(3_000_000);
  expect(await page.locator(".answer .note").first().textContent()).toMatch(
    /^Shortened to [\d,]+ of 1,050,00\d characters/,
  );
  expect(complaints).toEqual([]);
});
