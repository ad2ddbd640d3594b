import type { ValidateFunction } from "ajv";
import stringWidth from "string-width";
import { beforeAll, describe, expect, test } from "vitest";
import { historyChartName } from "../../src/analysis/history/chart-name.js";
import { parseFailCondition } from "../../src/analysis/history/fail-on.js";
import { buildHistory } from "../../src/analysis/history/history.js";
import type { HistoryReport } from "../../src/analysis/history/history-types.js";
import type { FontMetrics } from "../../src/render/charts/font-metrics.js";
import { historyChart } from "../../src/render/charts/history.js";
import type { SvgRenderer } from "../../src/render/charts/render.js";
import { historyMarkdown } from "../../src/render/markdown/history.js";
import { historyText } from "../../src/render/terminal/history.js";
import { sparkline } from "../../src/render/terminal/sparkline.js";
import { changeText, groupChanges } from "../../src/render/words/history.js";
import { chartTools } from "../fixtures/chart-tools.js";
import { TWELVE_LONG } from "../fixtures/records.js";
import { makeHistoryRuns } from "../fixtures/sweep.js";
import { type PlacedText, readTexts } from "./charts/svg-texts.js";

function makeReport(
  runs: ReturnType<typeof makeHistoryRuns>,
  everySec: number | null = 86_400,
): HistoryReport {
  return buildHistory(runs, {
    experiment: "quant",
    conditions: [parseFailCondition("decode_tokens_per_sec<-5%")],
    everySec,
    now: new Date("2026-11-24T00:00:00Z"),
  });
}

function drawCharts(report: HistoryReport) {
  const nameChart = ({ metric, text_id }: HistoryReport["series"][number]) =>
    historyChartName(metric, text_id);
  return [...new Set(report.series.map(nameChart))].map((name) => ({
    name,
    spec: historyChart(
      report,
      report.series.filter((series) => nameChart(series) === name),
    ),
  }));
}

const HOSTILE = '<img src=x onerror=alert(1)> | `rm` \u001b[31m \u202e [a](b) "';
const step = (i: number) => ({ speed: i >= 18 ? 0.9 : 1, bitsandbytes: i >= 18 ? "0.50.2" : "0.49.0" });
let longReport: HistoryReport | null = null;
/** Made once, because it takes a second. */
function makeLongReport(): HistoryReport {
  longReport ??= makeReport(
    makeHistoryRuns(400, (i) => ({ ...step(i), ...(i === 7 ? { fate: "failed" } : {}) })),
    null,
  );
  return longReport;
}

const CASES: readonly (readonly [string, () => HistoryReport])[] = [
  ["one run", () => makeReport(makeHistoryRuns(1), null)],
  ["two runs", () => makeReport(makeHistoryRuns(2))],
  [
    "thirty runs with a step, a failure, a kill, a break and a new library",
    () =>
      makeReport(
        makeHistoryRuns(30, (i) => ({
          ...step(i),
          ...(i === 7 ? { fate: "failed" as const } : i === 12 ? { fate: "killed" as const } : {}),
          ...(i === 29 ? { prompts: ["another"] } : {}),
        })),
      ),
  ],
  ["four hundred runs with a step and a failure", makeLongReport],
  [
    "a new library with every run",
    () => makeReport(makeHistoryRuns(20, (i) => ({ bitsandbytes: `0.${i}.0` }))),
  ],
  ["twelve long labels", () => makeReport(makeHistoryRuns(12, () => ({ configurations: TWELVE_LONG })))],
  [
    "nothing but failures",
    () => makeReport(makeHistoryRuns(3).map((run) => ({ ...run, runValues: null, status: "damaged" }))),
  ],
  [
    "hostile names",
    () =>
      makeReport(
        makeHistoryRuns(12, (i) => ({
          configurations: [
            { id: "none", reference: true },
            { id: "evil", label: HOSTILE },
          ],
          bitsandbytes: i > 5 ? HOSTILE : "1",
        })),
      ),
  ],
];

let svg: SvgRenderer;
let fonts: Record<"regular" | "bold", FontMetrics>;
let isVegaLite: ValidateFunction;
beforeAll(async () => {
  ({ svg, fonts, isVegaLite } = await chartTools());
});

describe.each(CASES)("with %s", (_, makeCase) => {
  let report: HistoryReport;
  beforeAll(() => {
    report = makeCase();
  });

  test.each([80, 60])("no line at the terminal is wider than %i columns", (columns) => {
    const text = historyText(report, { columns, color: false, blocks: true });
    const tooWide = text.split("\n").filter((line) => stringWidth(line) > columns);
    expect(tooWide).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none gets through is what is tested
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  test("Markdown holds no markup of a stranger's", () => {
    const text = historyMarkdown(report);
    expect(text).not.toContain("<img");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none gets through is what is tested
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    const cells = text.split("\n").filter((line) => line.startsWith("| "));
    for (const line of cells) expect(line.match(/(?<!\\)\|/g)).toHaveLength(5);
  });

  test("every chart holds by Vega-Lite's schema, and no text leaves the canvas or lies on another", async () => {
    // All are requested at once, so that one is examined while others are drawn.
    const charts = drawCharts(report).map((chart) => ({ ...chart, drawn: svg(chart.spec) }));
    await Promise.all(charts.map(({ drawn }) => drawn));
    for (const { name, spec, drawn } of charts) {
      expect(isVegaLite(spec), `${name}: ${JSON.stringify(isVegaLite.errors?.slice(0, 2))}`).toBe(true);
      expect(name).toMatch(/^[a-z0-9_.-]+$/);
      const { width, height, texts } = readTexts(await drawn, fonts);
      const isInside = ({ left, right, bottom }: PlacedText) =>
        left >= -1 && right <= width + 1 && bottom <= height + 1;
      expect(texts.filter((text) => !isInside(text))).toEqual([]);
      const isApart = (one: PlacedText, other: PlacedText) =>
        one.right <= other.left + 1 ||
        other.right <= one.left + 1 ||
        one.bottom <= other.top + 2 ||
        other.bottom <= one.top + 2;
      const overlaps = texts.flatMap((one, i) =>
        texts.slice(i + 1).flatMap((other) => (isApart(one, other) ? [] : [[one.text, other.text]])),
      );
      expect(overlaps).toEqual([]);
    }
  });
});

test("the chart of a long history with a step and a failed run draws every kind of mark", async () => {
  const spec = drawCharts(makeLongReport()).find(({ name }) => name === "decode_tokens_per_sec")?.spec;
  if (spec === undefined) throw new Error("there is no chart of tokens a second");
  const drawn = await svg(spec);
  const marks = new Set(drawn.match(/role-mark|role="graphics-symbol" aria-roledescription="[a-z ]+"/g));
  expect(marks.size).toBeGreaterThan(4);
});

test("the terminal tells the step, the library and the judgement", () => {
  const runs = makeHistoryRuns(19, step);
  const text = historyText(makeReport(runs, null), { columns: 400, color: false, blocks: true });
  expect(text).toContain("quant: 19 runs from 2026-10-01 to 2026-10-19: 19 completed");
  expect(text).toMatch(/REGRESSION fp4: tokens\/s \d\.\d\d, −\d+\.\d % \[−[\d.]+, −[\d.]+\] against/);
  expect(text).toContain("2026-10-19: bitsandbytes 0.49.0 → 0.50.2");
  const markdown = historyMarkdown(makeReport(runs, null));
  expect(markdown).toContain("❌ **fp4: tokens/s");
});

test("what changed at the same run is told once for all metrics", () => {
  const report = makeReport(makeHistoryRuns(40, step), null);
  const groups = groupChanges(report);
  const keys = groups.map(({ configuration, verdict, changes: [first] }) =>
    [configuration, verdict, first?.change.at].join(),
  );
  expect(new Set(keys).size).toBe(keys.length);
  const [several] = groups.filter(({ changes }) => changes.length > 1);
  if (several === undefined) throw new Error("no two metrics changed together");
  const text = changeText(several, (at) => at.slice(0, 10));
  for (const { series } of several.changes) expect(text).toContain(series.title);
  expect(text.match(/since/g)).toHaveLength(1);
});

test("a sparkline has a character a run, or a median of several, and a mark for runs without a figure", () => {
  const options = { width: 40, blocks: true };
  expect(sparkline([1, 2, null, 3], options)).toBe("▁▅×█");
  expect(sparkline([1, 2, null, 3], { ...options, blocks: false })).toMatch(/^[\x20-\x7e]{4}$/);
  expect(sparkline([5, 5], options)).toBe("▅▅");
  expect(sparkline([], options)).toBe("");
  expect(
    sparkline(
      Array.from({ length: 400 }, (_, i) => i),
      { ...options, width: 8 },
    ),
  ).toBe("▁▂▃▄▅▆▇█");
});
