/** A finished run whose records lack something, or contain something that does not belong there. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeReport } from "../../src/render/write-report.js";
import { RunPaths } from "../../src/run/paths.js";
import { indexRuns } from "../../src/run/run-index.js";
import { noDrawing } from "../fixtures/no-drawing.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";

const RUN = "quant/20261124T020000Z-0001";
const drawnOnce = mkdtempSync(join(tmpdir(), "falcon-exp-test-"));
beforeAll(() => writeReport(addRun(drawnOnce, RUN), noDrawing()));
afterAll(() => rmSync(drawnOnce, { recursive: true, force: true }));

/** Changes the records of a run after its report was drawn. */
async function changedRun(change: (lines: string[]) => readonly string[]) {
  const results = scratchFolder();
  cpSync(drawnOnce, results, { recursive: true, preserveTimestamps: true });
  const paths = new RunPaths(join(results, RUN));
  const lines = readFileSync(paths.records, "utf8").trimEnd().split("\n");
  writeFileSync(paths.records, `${change(lines).join("\n")}\n`);
  const [listed] = await indexRuns({ folder: results });
  const { warnings } = await writeReport(paths, noDrawing());
  const [drawn] = await indexRuns({ folder: results });
  return { listed, drawn, warnings, page: readFileSync(paths.html, "utf8") };
}

const isTrial = (line: string) => line.includes('"kind":"trial"');

test("a trial whose line was taken out is missed by list, report and page", async () => {
  const { listed, drawn, warnings, page } = await changedRun((lines) =>
    lines.toSpliced(lines.findIndex(isTrial), 1),
  );
  const told = /none: 1 measured trial is missing from the records/;
  expect(listed).toMatchObject({ trials_completed: 14, problem: expect.stringMatching(told) });
  expect(warnings.join()).toMatch(told);
  expect(page).toMatch(told);
  // Also if the summary was made from these very records.
  expect(drawn).toMatchObject({ has_current_summary: true, problem: expect.stringMatching(told) });
});

test("records of a configuration that the run does not have are told", async () => {
  const { listed, warnings, page } = await changedRun((lines) => {
    const trial = JSON.parse((lines.find(isTrial) ?? "").replace(/,"sha256":"[^"]*"\}$/, "}"));
    return [
      ...lines.slice(0, -1),
      JSON.stringify({ ...trial, configuration_id: "ffffffffffff" }),
      lines.at(-1) ?? "",
    ];
  });
  for (const text of [listed?.problem, warnings.join(), page]) {
    expect(text).toContain("records of 1 configuration that are not part of this run are left out");
  }
});

test("a damaged line is told on the page, and by the list although a summary of before lies there", async () => {
  const { listed, page } = await changedRun((lines) =>
    lines.map((line, index) => (index === lines.findIndex(isTrial) ? line.slice(0, -20) : line)),
  );
  expect(listed?.problem).toContain("damaged in line");
  expect(page).toContain("The records are incomplete");
  expect(page).toMatch(/records\.jsonl:\d+: .*left out/);
});

test("records that are whole are not doubted", async () => {
  const { listed, drawn, warnings, page } = await changedRun((lines) => lines);
  expect([listed?.problem, drawn?.problem, warnings.join()]).toEqual([null, null, ""]);
  expect(page).not.toContain("The records are incomplete");
});
