import { beforeAll, expect, test } from "vitest";
import { type ExploreChoice, exploreChart } from "../../../src/render/charts/explore.js";
import { exploreInput } from "../../../src/render/charts/inputs/explore.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import type { RunFileRecord } from "../../../src/run/record-types.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { type ChartTools, chartTools } from "../../fixtures/chart-tools.js";
import { scoredRun } from "../../fixtures/quality.js";
import { fakeRun, THREE } from "../../fixtures/records.js";
import { readTexts } from "./svg-texts.js";

let tools: ChartTools;
beforeAll(async () => {
  tools = await chartTools();
});

const inputOf = (records: readonly RunFileRecord[]) => {
  const input = exploreInput(writeSummary(groupRecords(records, "test")));
  if (input === null) throw new Error("nothing to explore");
  return input;
};

async function draw(records: readonly RunFileRecord[], choice: Partial<ExploreChoice>) {
  const input = inputOf(records);
  const spec = exploreChart(input, { ...input.usual, ...choice }, input.rows);
  if (spec === null) throw new Error("nothing is drawn");
  expect(tools.isVegaLite(spec)).toBe(true);
  const svg = await tools.svg(spec);
  return { svg, texts: readTexts(svg, tools.fonts).texts };
}

const points = (svg: string) =>
  [...svg.matchAll(/<path aria-label="[^"]*configuration: ([^;"]*)[^>]*fill="([^"]*)"/g)].map(
    ([, name, fill]) => [name, fill],
  );

test("a reference has no divergence from itself, and its point is drawn all the same", async () => {
  const { svg, texts } = await draw(scoredRun(), { x: "peak_memory_bytes" });
  expect(points(svg).map(([name]) => name)).toEqual(["int8", "fp4", "bf16 (unquantized)"]);
  expect(points(svg).at(-1)?.[1]).toBe("#6B6B6B");
  expect(texts.map(({ text }) => text).join(" ")).toContain("Grey: no value for KL");
  const whole = await draw(scoredRun(), { color: "elapsed_sec" });
  expect(points(whole.svg)).toHaveLength(3);
  expect(whole.texts.some(({ text }) => text.includes("Grey"))).toBe(false);
});

test("the last of a group's values has its name to its left", async () => {
  const { svg } = await draw(fakeRun().records, { x: "quantization" });
  const sides = [...svg.matchAll(/<text text-anchor="(start|end)"[^>]*font-size="11px"[^>]*>([^<]*)</g)].map(
    ([, anchor, text]) => [text, anchor],
  );
  expect(sides).toEqual(
    expect.arrayContaining([
      ["bf16 (unquantized)", "start"],
      ["int8", "start"],
      ["fp4", "end"],
    ]),
  );
});

test("a metric's name is whole in the title, though there is a comma in it", async () => {
  const { records } = fakeRun({ configurations: THREE.map((one) => ({ ...one, batchSize: 4 })) });
  const { texts } = await draw(records, { color: "elapsed_sec" });
  expect(texts.some(({ text }) => text.includes(": tokens/s, all rows over "))).toBe(true);
});

test("only where prompts are answered together is there a rate of all rows", () => {
  const keys = (batchSize: number) => {
    const { records } = fakeRun({ configurations: THREE.map((one) => ({ ...one, batchSize })) });
    const { metrics, usual } = inputOf(records);
    return [metrics.some(({ key }) => key === "batch_tokens_per_sec"), usual.y];
  };
  expect(keys(1)).toEqual([false, "decode_tokens_per_sec"]);
  expect(keys(4)).toEqual([true, "batch_tokens_per_sec"]);
});

test("a task's metric under two filters is two metrics", () => {
  const records = scoredRun().map((record) => {
    if (record.kind !== "lm_eval" || record.status !== "completed") return record;
    const [result] = record.measurement.results;
    if (result === undefined) throw new Error("the task has no result");
    const results = [
      { ...result, metric: "exact_match", filter: "strict-match", value: 0.2 },
      { ...result, metric: "exact_match", filter: "flexible-extract", value: 0.4 },
      { ...result, metric: "acc", filter: "none", value: 0.6 },
    ];
    return { ...record, measurement: { ...record.measurement, results } };
  });
  const { rows } = inputOf(records);
  const tasks = Object.entries(rows[0]?.metrics ?? {}).filter(([key]) => key.startsWith("lm-eval:"));
  expect(tasks).toEqual([
    ["lm-eval:everyday exact_match strict-match", 0.2],
    ["lm-eval:everyday exact_match flexible-extract", 0.4],
    ["lm-eval:everyday acc", 0.6],
  ]);
});
