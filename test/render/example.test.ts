import { cpSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { resultTable } from "../../src/render/terminal/terminal-table.js";
import { writeReport } from "../../src/render/write-report.js";
import { RunPaths } from "../../src/run/paths.js";
import type { RunSummary } from "../../src/run/summary-schema.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const examples = fileURLToPath(new URL("../../results/example/", import.meta.url));
const findRunId = (experiment: string) => readdirSync(join(examples, experiment))[0] ?? "";

test.each(["quant", "quality"])(
  "the kept run of %s is drawn again from its records, byte for byte",
  async (name) => {
    const run = findRunId(name);
    const kept = join(examples, name, run);
    const copy = join(scratchFolder(), run);
    cpSync(join(kept, "records.jsonl"), join(copy, "records.jsonl"), { recursive: true });
    const { warnings } = await writeReport(new RunPaths(copy));
    expect(warnings).toEqual([]);
    const drawn = readdirSync(copy, { recursive: true, encoding: "utf8" }).filter((file) =>
      statSync(join(copy, file)).isFile(),
    );
    expect(drawn.length).toBeGreaterThan(15);
    // The page is not among the kept files, because it contains its libraries.
    for (const file of drawn.filter((one) => one !== "report.html")) {
      expect(readFileSync(join(copy, file)).equals(readFileSync(join(kept, file))), file).toBe(true);
    }
  },
);

test("the README shows this run", () => {
  const readme = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
  expect(readme).toContain(`results/example/quant/${findRunId("quant")}/charts/overview.png`);
});

test("the table in the README is this run's, as it is drawn today", () => {
  const readme = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
  const summary = JSON.parse(
    readFileSync(join(examples, "quant", findRunId("quant"), "summary.json"), "utf8"),
  );
  const table = resultTable(summary as RunSummary, { columns: 80, color: false });
  const shown = table.slice(table.indexOf("Against"), table.indexOf("Medians over trials")).trimEnd();
  expect(readme).toContain(shown);
});
