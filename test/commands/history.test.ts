import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { HistoryReport } from "../../src/analysis/history/history-types.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { type SweepOptions, writeSweep } from "../fixtures/sweep.js";
import { falconExp } from "./cli.js";

const experimentFile = fileURLToPath(new URL("../../experiments/quant.yaml", import.meta.url));

function sweep(options: SweepOptions): string {
  const folder = scratchFolder();
  writeSweep(folder, options);
  return folder;
}

async function json(args: readonly string[]): Promise<HistoryReport> {
  const { stdout } = await falconExp(["history", ...args, "--json", "--no-charts"]);
  return JSON.parse(stdout) as HistoryReport;
}

test("a regression of the newest run exits with 9 and says by how much; the charts lie beside the runs", async () => {
  const results = sweep({ runs: 12, of: (i) => ({ speed: i === 11 ? 0.8 : 1 }) });
  const failOn = ["--fail-on", "decode_tokens_per_sec<-5%"];
  const { exitCode, stdout } = await falconExp(["history", experimentFile, "--results", results, ...failOn]);
  expect(exitCode).toBe(9);
  expect(stdout).toContain("REGRESSION fp4: tokens/s");
  const folder = join(results, "quant", "history");
  expect(JSON.parse(readFileSync(join(folder, "history.json"), "utf8"))).toMatchObject({ schema_version: 1 });
  for (const ending of [".vl.json", ".svg", ".png"]) {
    expect(existsSync(join(folder, `decode_tokens_per_sec${ending}`))).toBe(true);
  }
});

test("within noise, with too few runs, and without a condition it exits with 0", async () => {
  const results = sweep({ runs: 8 });
  const quiet = ["--results", results, "--no-charts"];
  const within = await falconExp(["history", "quant", ...quiet, "--fail-on", "decode_tokens_per_sec<-5%"]);
  expect(within.exitCode).toBe(0);
  expect(within.stdout).toContain("ok unquantized: tokens/s");
  const few = await falconExp(["history", "quant", ...quiet, "--last", "3", "--fail-on", "elapsed_sec>+1%"]);
  expect(few.exitCode).toBe(0);
  expect(few.stdout).toContain("too few runs to tell (2 runs");
  expect((await falconExp(["history", "quant", ...quiet])).exitCode).toBe(0);
  expect(readdirSync(join(results, "quant"))).not.toContain("history");
});

test("a wrong condition exits with 2 and points at the place", async () => {
  const { exitCode, stderr } = await falconExp(["history", "quant", "--fail-on", "decode_token_per_sec<-5%"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("--fail-on: error fail-on-invalid");
  expect(stderr).toContain("Did you mean decode_tokens_per_sec?");
});

test.each([
  ["--every", "soon"],
  ["--since", "yesterday"],
  ["--since", "2026-13-45"],
  ["--last", "0"],
])("%s %s exits with 2", async (option, value) => {
  expect((await falconExp(["history", "quant", option, value])).exitCode).toBe(2);
});

test("no runs exit with 7 and name what there is", async () => {
  const results = sweep({ runs: 1 });
  const { exitCode, stderr } = await falconExp(["history", "quantt", "--results", results]);
  expect(exitCode).toBe(7);
  expect(stderr).toContain("history-no-runs");
  expect(stderr).toContain("Did you mean quant?");
});

test("why a series starts over is told in words, in what is printed and in history.json", async () => {
  const results = sweep({ runs: 4, of: (i) => (i < 2 ? {} : { prompts: ["Another question?"] }) });
  const { stdout } = await falconExp(["history", "quant", "--results", results, "--json"]);
  const written = readFileSync(join(results, "quant", "history", "history.json"), "utf8");
  for (const text of [stdout, written]) {
    const { series } = JSON.parse(text) as { series: { breaks: { run_id: string; reasons: unknown[] }[] }[] };
    expect(series[0]?.breaks).toMatchObject([{ reasons: ["other prompts"] }]);
  }
});

test("figures from summaries and from records alone are the same", async () => {
  const of = (i: number) =>
    i === 3 ? { fate: "failed" as const } : i === 5 ? { fate: "killed" as const } : {};
  const [withSummaries, without] = [sweep({ runs: 8, of }), sweep({ runs: 8, of, withSummaries: false })];
  const reports = await Promise.all(
    [withSummaries, without].map((results) => json(["quant", "--results", results])),
  );
  expect(reports[0]).toEqual(reports[1]);
  expect(reports[0]?.runs.map(({ status }) => status)).toContain("killed");
});

test("a damaged summary is passed over, a damaged run is a mark and a warning", async () => {
  const results = sweep({ runs: 3 });
  const [first = "", second = ""] = readdirSync(join(results, "quant")).sort();
  writeFileSync(join(results, "quant", first, "summary.json"), '{"schema_version": 1, "configurations": 7}');
  writeFileSync(join(results, "quant", second, "records.jsonl"), "no record\n");
  const { exitCode, stdout, stderr } = await falconExp([
    "history",
    "quant",
    "--results",
    results,
    "--no-charts",
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("3 runs from 2026-10-01 to 2026-10-03: 2 completed, 1 damaged");
  expect(stderr).toContain(`warning: quant/${second}`);
});

test("--since, --last and --every choose runs and mark those that did not come", async () => {
  const results = sweep({ runs: 10, of: (i) => (i === 6 ? { fate: "missed" } : {}) });
  const since = await json(["quant", "--results", results, "--since", "2026-10-05", "--every", "1d"]);
  expect(since.runs[0]?.started_at).toBe("2026-10-05T02:00:00.000Z");
  expect(since.missed_runs).toContain("2026-10-07T02:00:00.000Z");
  const last = await json([join(results, "quant"), "--last", "2"]);
  expect(last.runs.map(({ started_at }) => started_at.slice(0, 10))).toEqual(["2026-10-09", "2026-10-10"]);
});

test("--markdown prints a comment and nothing else", async () => {
  const results = sweep({ runs: 6 });
  const { stdout } = await falconExp(["history", "quant", "--results", results, "--no-charts", "--markdown"]);
  expect(stdout).toMatch(/^### quant: 6 runs/);
  expect(stdout).toContain("| configuration | metric | newest | vs. before |");
});
