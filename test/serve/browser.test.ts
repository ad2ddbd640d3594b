import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { openRunFolder } from "../../src/run/run-folder.js";
import { findAccessibilityViolations } from "../fixtures/axe.js";
import { newPage, startChromium } from "../fixtures/chromium.js";
import { failure, THREE } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun, makeRecords } from "../fixtures/run-on-disk.js";
import { serve } from "../fixtures/server.js";

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

const NEWEST = "quant/20261126T020000Z-0003";
const PART = "fast/20261125T020000Z-0002";
const OLDEST = "quant/20261124T020000Z-0001";

/** Opens a page with three runs, one of which partly failed. */
async function opened(path = "/", options: Parameters<typeof newPage>[2] = {}) {
  const results = scratchFolder();
  for (const run of [NEWEST, OLDEST]) addRun(results, run);
  addRun(results, PART, {
    configurations: THREE.map((one, i) => (i === 2 ? { ...one, failsAtLoad: {} } : one)),
  });
  const { origin, defects } = await serve(results);
  const { page, complaints } = await newPage(browser, origin, options);
  await page.goto(origin + path);
  const shown = () => page.locator("#runs tbody th a").allTextContents();
  return { page, origin, complaints, defects, shown };
}

test("runs are listed, filtered as soon as an experiment is chosen, and sorted by a click", async () => {
  const { page, complaints, shown } = await opened();
  expect(await shown()).toEqual([NEWEST, PART, OLDEST]);
  await page.getByLabel("Experiment").selectOption("fast");
  await page.waitForURL(/experiment=fast/);
  expect(await shown()).toEqual([PART]);
  expect(await page.getByRole("status").textContent()).toBe("1 of 3 runs");
  await page.getByLabel("Experiment").selectOption("");
  await page.waitForURL((url) => !url.search.includes("fast"));
  await page.getByRole("link", { name: "Run", exact: true }).click();
  await page.waitForURL(/sort=run/);
  expect(await shown()).toEqual([PART, OLDEST, NEWEST]);
  expect(await page.locator("th[aria-sort]").getAttribute("aria-sort")).toBe("ascending");
  expect(complaints).toEqual([]);
});

test("the list is searched, and what was chosen stays while it is filtered, sorted and left", async () => {
  const { page, shown, complaints } = await opened();
  await page.getByLabel(`Compare ${NEWEST}`).check();
  await page.getByLabel("Search").fill("FAST smollm2");
  await page.getByLabel("Search").press("Enter");
  await page.waitForURL(/q=FAST/);
  expect(await shown()).toEqual([PART]);
  await page.getByRole("link", { name: "Took" }).click();
  await page.waitForURL(/sort=took/);
  expect(await shown()).toEqual([PART]);
  await page.getByLabel(`Compare ${PART}`).check();
  await page.getByRole("link", { name: PART }).click();
  await page.waitForURL(/report\.html/);
  await page.goBack();
  await page.waitForURL(/q=FAST.*sort=took.*side=.*side=/);
  expect(await shown()).toEqual([PART]);
  await page.goForward();
  await page.getByRole("link", { name: "All runs" }).click();
  await page.getByRole("button", { name: "Compare 2 selected" }).click();
  await page.waitForURL(/\/compare\?/);
  expect(new URL(page.url()).searchParams.getAll("side")).toEqual([NEWEST, PART]);
  await page.goBack();
  const kept = new URL(page.url());
  expect(kept.searchParams.getAll("side")).toEqual([NEWEST, PART]);
  // In another window, which does not know what was chosen.
  const { page: other } = await newPage(browser, kept.origin);
  await other.goto(kept.href);
  expect(await other.getByRole("button", { name: "Compare 2 selected" }).isVisible()).toBe(true);
  expect(await other.getByLabel(`Compare ${PART}`).isChecked()).toBe(true);
  await page.goForward();
  await page.waitForURL(/\/compare\?/);
  await page.goBack();
  await page.getByRole("button", { name: "Clear selection" }).click();
  expect(await page.getByLabel(`Compare ${NEWEST}`).isChecked()).toBe(false);
  expect(complaints).toEqual([]);
});

test("an empty page fills as soon as a run begins", async () => {
  const results = scratchFolder();
  const { origin } = await serve(results);
  const { page } = await newPage(browser, origin);
  await page.clock.install();
  await page.goto(origin);
  expect(await page.locator("h1").textContent()).toBe("No runs yet");
  addRun(results, OLDEST);
  await page.clock.runFor(3_000);
  await page.getByRole("link", { name: OLDEST }).waitFor();
});

test("a run's report opens from the list, and leads back and on to a comparison", async () => {
  const { page, complaints } = await opened();
  await page.getByRole("link", { name: OLDEST }).click();
  await page.waitForURL(/report\.html/);
  expect(await page.locator("body").textContent()).toContain("1.65× smaller");
  await page.getByRole("link", { name: "Compare with another run" }).click();
  await page.waitForURL(/\/compare\?/);
  expect(await page.getByLabel("Baseline").inputValue()).toBe(OLDEST);
  expect(complaints).toEqual([]);
});

test("any two runs are compared: chosen in the list, then by configuration in the menus", async () => {
  const { page, complaints } = await opened();
  await page.getByLabel(`Compare ${OLDEST}`).check();
  await page.getByLabel(`Compare ${NEWEST}`).check();
  await page.getByRole("button", { name: "Compare 2 selected" }).click();
  await page.waitForURL(/\/compare\?/);
  expect(await page.getByRole("heading", { level: 2 }).allTextContents()).toEqual([
    "Environment",
    "bf16 (unquantized)",
    "int8",
    "fp4",
  ]);
  await page.getByLabel("Baseline").selectOption(`${OLDEST}#none`);
  await page.getByLabel("Compared").selectOption(`${NEWEST}#int8`);
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await page.waitForURL(/int8/);
  const time = page.getByRole("row", { name: /^time/ });
  expect(await time.textContent()).toMatch(/3\.\d\d× \[2\.\d\d, 5\.\d\d\] worse/);
  // Slower: on the left of the line, in the colour for worse.
  const point = time.locator(".forest.bad circle");
  expect(Number(await point.getAttribute("cx"))).toBeLessThan(100);
  const weights = page.getByRole("row", { name: /^weights/ }).locator("circle");
  expect(Number(await weights.getAttribute("cx"))).toBeGreaterThan(100);
  await page.getByText("Answers side by side").click();
  const second = page.locator(".answers").nth(2).locator(".said").nth(1);
  expect(await second.locator("ins").innerText()).toContain("It hunts.");
  expect(complaints).toEqual([]);
});

test("what cannot be compared says why, and can be anyway", async () => {
  const { page, origin: first } = await opened();
  await page.goto(`${first}/compare?side=quant%2Fa&side=quant%2Fb`);
  expect(await page.getByRole("alert").textContent()).toMatch(/no run "quant\/a"\..*no run "quant\/b"\./s);
  await page.goto(`${first}/compare?side=${PART}%23nope&side=${NEWEST}%23none`);
  expect(await page.getByRole("alert").textContent()).toContain('has no configuration "nope"');
  const results = scratchFolder();
  addRun(results, NEWEST);
  addRun(results, OLDEST, { prompts: ["Another question?"] });
  const { origin } = await serve(results);
  await page.goto(`${origin}/compare?side=${NEWEST}&side=${OLDEST}`);
  expect(await page.getByRole("alert").textContent()).toContain("other prompts");
  await page.getByRole("link", { name: "Compare anyway" }).click();
  await page.waitForURL(/force=1/);
  expect(await page.locator("body").textContent()).toContain("forced:");
});

/** A run in progress: its lock is held, and records appear when the test writes them. */
async function running(results: string) {
  const runId = "20261127T020000Z-0004";
  const folder = await openRunFolder({
    resultsFolder: results,
    experiment: "quant",
    runId,
    experimentText: "",
    planText: "",
    clock: systemClock,
  });
  onTestFinished(() => folder.close());
  const records = makeRecords(runId, {
    configurations: THREE.map((one, i) => (i === 1 ? { ...one, failedTrials: [2] } : one)),
  });
  const write = async (some: readonly RunFileRecord[]) => {
    for (const record of some) await folder.records.append(record);
  };
  return { path: `quant/${runId}`, folder, records, write };
}

test("a run is followed live: figures move, trials arrive, a failure shows at once, and the end ends it", async () => {
  const results = scratchFolder();
  const { path, records, write } = await running(results);
  const { origin, defects } = await serve(results);
  const { page, complaints } = await newPage(browser, origin);
  const isTrial = ({ kind }: RunFileRecord) => kind === "trial";
  const first = records.findIndex(isTrial);
  await write(records.slice(0, first));
  await page.goto(origin);
  await page.getByRole("link", { name: path }).click();
  await page.waitForURL(/\/live$/);
  const headline = page.locator(".headline");
  const until = (words: string) => headline.getByText(words).waitFor();
  await until("0 of 15 trials");
  expect(await page.locator("#lines li").first().textContent()).toContain("loaded in");
  await write(records.slice(first, first + 1));
  await until("1 of 15 trials");
  expect(await page.locator("#lines li").first().textContent()).toMatch(/unquantized p1: .* tokens\/s/);
  const failed = records.findIndex((record) => isTrial(record) && "failure" in record);
  await write(records.slice(first + 1, failed + 1));
  await until("7 of 15 trials");
  // The headline already says 7 after the trial before this one, so the failure itself is waited for.
  const newest = page.locator("#lines li.failed:first-child");
  await newest.waitFor();
  expect(await newest.textContent()).toContain("trial failed: generation-invalid");
  const row = page.getByRole("row", { name: /^int8/ });
  expect(await row.textContent()).toContain("running");
  await write(records.slice(failed + 1));
  await page.locator("#connection").getByText("the run has ended").waitFor();
  expect(await headline.textContent()).toContain("partly failed");
  expect(complaints).toEqual([]);
  expect(defects).toEqual([]);
});

test("a run whose controller dies while it is followed is said to be killed", async () => {
  const results = scratchFolder();
  const { path, folder, records, write } = await running(results);
  const { origin } = await serve(results);
  const { page } = await newPage(browser, origin);
  await write(records.slice(0, 6));
  await page.goto(`${origin}/runs/${path}/live`);
  await page.locator("#connection").getByText("following").waitFor();
  await folder.close();
  await page.locator("#connection").getByText("the run has ended").waitFor();
  expect(await page.locator("#progress").textContent()).toContain("killed");
});

test("a server that ends while a run is followed ends at once, and the page says that it tries again", async () => {
  const results = scratchFolder();
  const { path, records, write } = await running(results);
  const { origin, close } = await serve(results);
  const { page } = await newPage(browser, origin);
  await write(records.slice(0, 6));
  await page.goto(`${origin}/runs/${path}/live`);
  await page.locator("#connection").getByText("following").waitFor();
  await close();
  await page.locator("#connection").getByText("connection lost").waitFor();
});

const HOSTILE = `<script>alert(1)</script><img src=x onerror=alert(2)>"'&\u202e\u001b[31m`;

test("names and messages of strangers do nothing on any page", async () => {
  const results = scratchFolder();
  const runId = "20261124T020000Z-0001";
  const configurations = THREE.map((one, i) => ({
    ...one,
    label: `${HOSTILE}${i}`,
    ...(i === 2 ? { failsAtLoad: failure({ message: HOSTILE, next: HOSTILE }) } : {}),
  }));
  const folder = `${HOSTILE.replaceAll("/", "∕")}`;
  addRun(results, join(folder, runId), {
    configurations,
    modelName: HOSTILE,
    prompts: [HOSTILE],
    answer: () => HOSTILE,
  });
  const { origin, defects } = await serve(results);
  const { page, complaints } = await newPage(browser, origin);
  await page.goto(origin);
  const text = await page.locator("main").textContent();
  expect(text).toContain("<script>alert(1)</script>");
  expect(text).toContain("[U+202E][U+001B]");
  expect(text).not.toContain("\u202e");
  await page.locator("#runs tbody th a").click();
  await page.waitForURL(/report\.html/);
  const live = page.url().replace("report.html", "live");
  await page.goto(live);
  await page.locator("#connection").getByText("the run has ended").waitFor();
  const side = encodeURIComponent(`${folder}/${runId}`);
  await page.goto(`${origin}/compare?side=${side}%23none&side=${side}%23int8`);
  expect(await page.getByRole("row", { name: /^weights/ }).count()).toBe(1);
  await page.goto(`${origin}/compare?side=${encodeURIComponent(HOSTILE)}&side=x`);
  await page.goto(
    `${origin}/?experiment=${encodeURIComponent(HOSTILE)}&status=${encodeURIComponent(HOSTILE)}`,
  );
  expect(complaints).toEqual([]);
  expect(defects).toEqual([]);
});

test("a stranger's report runs apart: it reads nothing of this server and reaches nobody", async () => {
  const results = scratchFolder();
  const paths = addRun(results, OLDEST);
  writeFileSync(
    join(paths.folder, "report.html"),
    `<!doctype html><p id="own">?</p><p id="list">?</p><script>
own.textContent = "it runs as " + self.origin;
fetch("/").then((r) => r.text()).then((t) => { list.textContent = t; }, () => { list.textContent = "refused"; });
</script>`,
  );
  const { origin } = await serve(results);
  const { page } = await newPage(browser, origin);
  await page.goto(`${origin}/runs/${OLDEST}/report.html`);
  await page.getByText("refused").waitFor();
  expect(await page.locator("#own").textContent()).toBe("it runs as null");
});

test("while a run goes on, the list is brought up to date, and what was chosen stays chosen", async () => {
  const results = scratchFolder();
  addRun(results, OLDEST);
  const { path, records, write } = await running(results);
  await write(records.slice(0, 5));
  const { origin } = await serve(results);
  const { page, complaints } = await newPage(browser, origin);
  await page.clock.install();
  await page.goto(origin);
  const row = page.getByRole("row", { name: new RegExp(path) });
  const before = await row.textContent();
  expect(before).toContain("running");
  await page.getByLabel(`Compare ${OLDEST}`).check();
  await write(records.slice(5));
  await page.clock.runFor(11_000);
  await row.getByText("partly failed").waitFor();
  expect(await page.getByLabel(`Compare ${OLDEST}`).isChecked()).toBe(true);
  expect(await page.evaluate("document.activeElement.value")).toBe(OLDEST);
  expect(complaints).toEqual([]);
});

test.each([
  [380, "dark"],
  [900, "light"],
  [1600, "light"],
] as const)("at %i px, %s, no page is wider than the window", async (width, colorScheme) => {
  const { page, origin } = await opened("/", { viewport: { width, height: 800 }, colorScheme });
  const configurations = `/compare?side=${OLDEST}%23none&side=${OLDEST}%23fp4`;
  for (const path of [
    "/",
    `/runs/${OLDEST}/live`,
    `/compare?side=${OLDEST}&side=${NEWEST}`,
    configurations,
    "/none",
  ]) {
    await page.goto(origin + path);
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await page.evaluate(overflow), path).toBe(0);
  }
  const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
  expect(background).toBe(colorScheme === "dark" ? "rgb(20, 23, 26)" : "rgb(255, 255, 255)");
});

test.each(["light", "dark"] as const)("axe-core finds nothing on any page, %s", async (colorScheme) => {
  const { page, origin } = await opened("/", { colorScheme });
  const compared = `/compare?side=${OLDEST}&side=${NEWEST}`;
  for (const path of [
    "/",
    `/runs/${PART}/live`,
    `/runs/${PART}/report.html`,
    compared,
    "/compare",
    "/none",
  ]) {
    await page.goto(origin + path);
    expect(await findAccessibilityViolations(page), path).toEqual([]);
  }
});

test("the keyboard alone is enough: skip the head, choose two runs, compare them", async () => {
  const { page } = await opened();
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
  await page.keyboard.press("Enter");
  for (const run of [NEWEST, OLDEST]) {
    for (;;) {
      await page.keyboard.press("Tab");
      const name = await page.evaluate("document.activeElement.getAttribute('aria-label')");
      if (name === `Compare ${run}`) break;
      expect(await page.evaluate("document.activeElement !== document.body")).toBe(true);
    }
    await page.keyboard.press("Space");
  }
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/compare\?/);
  expect(await page.getByRole("table").count()).toBeGreaterThan(2);
});
