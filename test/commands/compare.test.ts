import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fakeRun } from "../fixtures/records.js";
import { folderWithRecords, scratchFolder } from "../fixtures/run-folder.js";
import { falconExp } from "./cli.js";

const example = fileURLToPath(new URL("../../results/example/quant", import.meta.url));

test("the kept example's configurations are compared at the terminal, as Markdown, as JSON and as a chart", async () => {
  const sides = [`${example}#none`, `${example}#fp4`];
  const text = await falconExp(["compare", ...sides]);
  expect(text.exitCode).toBe(0);
  expect(text.stdout).toContain("Environment: the same machine, libraries and program.");
  expect((await falconExp(["compare", ...sides, "--markdown"])).stdout).toContain(
    "| weights | 269 MB | 113 MB |",
  );
  const chart = join(scratchFolder(), "chart.png");
  const { stdout } = await falconExp(["compare", ...sides, "--json", "--chart", chart]);
  expect(JSON.parse(stdout)).toMatchObject({ schema_version: 1, forced: [] });
  expect(existsSync(chart)).toBe(true);
  expect(readFileSync(chart).subarray(1, 4).toString("latin1")).toBe("PNG");
});

test("runs of other prompts exit with 2, say why, and are compared with --force", async () => {
  const other = folderWithRecords(fakeRun({ prompts: ["Another one."] }).records);
  const refused = await falconExp(["compare", example, other.folder]);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain("compare-incomparable");
  expect(refused.stderr).toContain("other prompts");
  expect((await falconExp(["compare", example, other.folder, "--force"])).exitCode).toBe(0);
});

test("a chart of no known kind is refused", async () => {
  const { exitCode, stderr } = await falconExp(["compare", example, example, "--chart", "x.gif"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("compare-chart-format");
});
