import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeReport } from "../../src/render/write-report.js";
import type { RunPaths } from "../../src/run/paths.js";
import { noDrawing } from "../fixtures/no-drawing.js";
import { type FakeRunOptions, fakeRun, THREE, TWELVE_LONG } from "../fixtures/records.js";
import { folderWithRecords } from "../fixtures/run-folder.js";

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function contents(paths: RunPaths): Record<string, string> {
  const files = readdirSync(paths.folder, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(paths.folder, file)).isFile())
      .map((file) => [file, readFileSync(join(paths.folder, file)).toString("base64")]),
  );
}

test("the same records give the same files, byte for byte, whatever was drawn before", async () => {
  const { records } = fakeRun();
  const first = folderWithRecords(records);
  const second = folderWithRecords(records);
  await writeReport(first);
  const once = contents(first);
  await writeReport(first);
  expect(contents(first)).toEqual(once);
  const other = fakeRun({ configurations: TWELVE_LONG });
  await writeReport(folderWithRecords(other.records));
  await writeReport(second);
  expect(contents(second)).toEqual(once);
});

test("a report is a summary, the tables, the answers, the environment and three files a chart", async () => {
  const paths = folderWithRecords(fakeRun().records);
  const { warnings } = await writeReport(paths);
  expect(warnings).toEqual([]);
  const articles = ["article-fp4", "article-int8", "article-none"];
  const charts = [...articles, "estimate", "inter-token", "overview", "tradeoff"];
  expect(readdirSync(paths.charts).sort()).toEqual(
    charts.flatMap((name) => [`${name}.png`, `${name}.svg`, `${name}.vl.json`]),
  );
  for (const path of [paths.summary, paths.csv, paths.parquet, paths.answers, paths.environment]) {
    expect(existsSync(path), path).toBe(true);
  }
  expect(readFileSync(paths.chart("overview", ".png")).subarray(0, 8)).toEqual(PNG_SIGNATURE);
});

test("a spreadsheet sees that the CSV is UTF-8", async () => {
  const paths = folderWithRecords(fakeRun().records);
  await writeReport(paths, noDrawing());
  expect(readFileSync(paths.csv).subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
});

test("a chart's specification carries its data and draws alone", async () => {
  const paths = folderWithRecords(fakeRun().records);
  await writeReport(paths, noDrawing());
  const spec = JSON.parse(readFileSync(paths.chart("article-int8", ".vl.json"), "utf8"));
  expect(spec.$schema).toContain("vega-lite/v6");
  expect(spec.data.values).toHaveLength(5);
  expect(JSON.stringify(spec)).not.toMatch(/"url"/);
});

test.each([
  ["cpu", "Peak RSS (GB)", "Peak GPU memory allocated (GB)"],
  ["cuda", "Peak GPU memory allocated (GB)", "Peak RSS (GB)"],
] as const)("on %s the memory axis says %s", async (device, said, unsaid) => {
  const paths = folderWithRecords(fakeRun({ device }).records);
  await writeReport(paths);
  const svg = readFileSync(paths.chart("article-fp4", ".svg"), "utf8");
  expect(svg).toContain(said);
  expect(svg).not.toContain(unsaid);
  const title = device === "cpu" ? "Peak RSS" : "GPU Memory Consumption";
  expect(svg).toContain(`${title} and Execution Time for Each Trial`);
  expect(svg).toContain("Execution time (s)");
});

/** The charts of these are drawn in charts.test.ts. */
const AWKWARD: readonly (readonly [string, FakeRunOptions])[] = [
  ["nothing could be loaded", { configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) }],
  ["some trials failed", { configurations: THREE.map((one) => ({ ...one, failedTrials: [0, 2] })) }],
  ["one configuration, one prompt", { configurations: THREE.slice(0, 1), prompts: ["one"] }],
  ["twelve configurations with long labels", { configurations: TWELVE_LONG }],
  ["fifty trials each", { repeats: 10 }],
];

test.each(AWKWARD)("all is written, without a warning, when %s", async (_, options) => {
  const paths = folderWithRecords(fakeRun(options).records);
  const { warnings, summary } = await writeReport(paths, noDrawing());
  expect(warnings).toEqual([]);
  expect(existsSync(paths.html)).toBe(true);
  for (const { id } of summary.configurations) {
    expect(existsSync(paths.chart(`article-${id}`, ".png")), id).toBe(true);
  }
});

test.each<[string, FakeRunOptions]>([
  [
    "one configuration failed",
    { configurations: THREE.map((one, i) => (i === 1 ? { ...one, failsAtLoad: {} } : one)) },
  ],
  [
    "the controller was killed",
    { configurations: THREE.map((one, i) => (i === 2 ? { ...one, cutAfter: 2 } : one)) },
  ],
])("charts are drawn, without a warning, when %s", async (_, options) => {
  const paths = folderWithRecords(fakeRun(options).records);
  const { warnings, summary } = await writeReport(paths);
  expect(warnings).toEqual([]);
  for (const { id } of summary.configurations) {
    expect(statSync(paths.chart(`article-${id}`, ".png")).size).toBeGreaterThan(2_000);
  }
});

test("a chart that nobody draws any more is removed, and other files are left alone", async () => {
  const paths = folderWithRecords(fakeRun().records);
  await writeReport(paths, noDrawing());
  writeFileSync(paths.chart("article-old", ".png"), "old");
  writeFileSync(join(paths.charts, "notes.txt"), "mine");
  await writeReport(paths, noDrawing());
  expect(existsSync(paths.chart("article-old", ".png"))).toBe(false);
  expect(existsSync(join(paths.charts, "notes.txt"))).toBe(true);
});

test("a torn last line is a warning, and the rest is reported", async () => {
  const paths = folderWithRecords(fakeRun().records);
  appendFileSync(paths.records, '{"schema_version": 1, "kind": "tri');
  const { warnings, summary } = await writeReport(paths, noDrawing());
  expect(warnings).toHaveLength(1);
  expect(summary.trials_completed).toBe(15);
});

test("a configuration that never answered is named in answers.md, with its reason", async () => {
  const configurations = THREE.map((one, i) => (i === 1 ? { ...one, failsAtLoad: {} } : one));
  const paths = folderWithRecords(fakeRun({ configurations }).records);
  await writeReport(paths, noDrawing());
  expect(readFileSync(paths.answers, "utf8")).toMatch(
    /^- int8: no answers, failed.* quantization-not-applied$/m,
  );
});

test("harmful characters in labels and answers do no harm in any text file", async () => {
  const nasty = '\u001b[31m<script>alert(1)</script>\u202Egnp.exe ``` | =cmd("x")\u0000';
  const { records } = fakeRun({ answer: () => nasty, prompts: [nasty, "b"], modelName: `m ${nasty}` });
  const paths = folderWithRecords(records);
  await writeReport(paths);
  for (const path of [paths.answers, paths.csv, paths.chart("overview", ".svg")]) {
    const text = readFileSync(path, "utf8");
    for (const character of ["\u001b", "\u202e", "\u0000"]) {
      expect(text.includes(character), `${JSON.stringify(character)} in ${path}`).toBe(false);
    }
  }
  expect(readFileSync(paths.chart("overview", ".svg"), "utf8")).not.toContain("<script");
  const cells = readFileSync(paths.csv, "utf8").split(/[,\n]/);
  expect(cells.filter((cell) => /^"?[=+@]/.test(cell))).toEqual([]);
});
