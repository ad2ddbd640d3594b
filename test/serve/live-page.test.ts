import { expect, test } from "vitest";
import { formatSeconds } from "../../src/base/units.js";
import { LIST_METRICS, LOAD_LIST_METRICS } from "../../src/metrics/registry.js";
import { RunProgress } from "../../src/run/run-progress.js";
import { progressPart } from "../../src/serve/pages/live.js";
import { fakeRun, THREE } from "../fixtures/records.js";

test("a trial that failed is none that is still to come", async () => {
  const [first] = THREE;
  if (first === undefined) throw new Error("there is no configuration");
  // 4 of 8 trials are over after a minute; half of those failed.
  const { records } = fakeRun({
    configurations: [{ ...first, failedTrials: [0, 2], cutAfter: 4 }],
    prompts: ["one", "two", "three", "four"],
    repeats: 2,
  });
  const progress = new RunProgress();
  for (const record of records) {
    progress.addRecord(record.kind === "trial" ? { ...record, at: "2026-11-24T02:38:46.000Z" } : record);
  }
  expect(String(await progressPart(progress, null))).toContain("1 min 00 s, about 1 min 00 s left");
});

test("the figures of a run that is over are not called what is so far", async () => {
  const { records } = fakeRun();
  const progress = new RunProgress();
  for (const record of records) progress.addRecord(record);
  expect(String(await progressPart(progress, "ended"))).toContain("<caption>Medians; * is the reference.");
});

test("the figures are the metrics that lists show, in the order of the table of results", async () => {
  const progress = new RunProgress();
  for (const record of fakeRun().records) progress.addRecord(record);
  const page = String(await progressPart(progress, "ended"));
  const heads = [...page.matchAll(/<th scope="col">(.*?)<\/th>/g)].map(([, head]) => head);
  expect(heads.slice(0, 3)).toEqual(["Configuration", "Status", "Trials"]);
  // Those that the run did not measure are left out.
  const listed = [...LOAD_LIST_METRICS, ...LIST_METRICS].filter(({ shown }) => !shown?.isOptional);
  expect(heads).toHaveLength(3 + listed.length);
  expect(heads.slice(3, 7)).toEqual(["Weights", "Peak RSS", "Time", "Tokens/s"]);
  const [first] = progress.configurations();
  expect(page).toContain(formatSeconds(first?.median_ttft_sec ?? Number.NaN));
  expect(page.match(/<td data-head="TTFT"/g)).toHaveLength(progress.configurations().length);
});
