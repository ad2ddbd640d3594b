import type { ValidateFunction } from "ajv";
import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { articleChart } from "../../../src/render/charts/article.js";
import { SHARED_CHARTS, sharedChart } from "../../../src/render/charts/charts.js";
import { compareChart } from "../../../src/render/charts/compare.js";
import type { FontMetrics } from "../../../src/render/charts/font-metrics.js";
import { chartInputs } from "../../../src/render/charts/inputs/chart-inputs.js";
import { tailPoints } from "../../../src/render/charts/inputs/kl-tails.js";
import { tradeoffPoints } from "../../../src/render/charts/inputs/tradeoff.js";
import { type ChartRenderer, PNG_SCALE, type SvgRenderer } from "../../../src/render/charts/render.js";
import { breakLines, COLORS } from "../../../src/render/charts/style.js";
import { dominates, listFrontiers } from "../../../src/render/charts/tradeoff.js";
import { writeComparison } from "../../../src/render/words/compare-report.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { chartTools } from "../../fixtures/chart-tools.js";
import { scoredRun } from "../../fixtures/quality.js";
import { type FakeRunOptions, fakeRun, THREE, TWELVE_LONG } from "../../fixtures/records.js";
import { type PlacedText, readTexts } from "./svg-texts.js";

const LONG_NAME = `organisation/${"a-model-with-a-long-name-".repeat(6)}`;
const BATCHES = ["none", "nf4"].flatMap((quantization, q) =>
  [1, 4, 16].map((batchSize, index) => ({
    id: `${quantization}-batch-${batchSize}`,
    label: `${quantization} batch ${batchSize}`,
    axes: { quantization, batch_size: `batch ${batchSize}` },
    reference: q === 0,
    tokensPerSec: 20 / (1 + q + index / 3),
    batchSize,
    failsAtLoad: batchSize === 16 && q === 0 ? { code: "out-of-memory-device" } : undefined,
  })),
);
const CASES: readonly (readonly [string, FakeRunOptions])[] = [
  ["one configuration, one trial", { configurations: THREE.slice(0, 1), prompts: ["one"] }],
  ["three configurations", {}],
  ["a GPU", { device: "cuda" }],
  ["twelve configurations with long labels", { configurations: TWELVE_LONG }],
  ["fifty trials", { repeats: 10 }],
  ["three batch sizes of two quantizations, the largest too large", { configurations: BATCHES }],
  [
    "three lengths of prompts",
    {
      configurations: [128, 512, 2048].map((promptTokens, index) => ({
        id: `prompt-${promptTokens}`,
        axes: { prompt_tokens: `prompt ${promptTokens}` },
        reference: index === 0,
        tokensPerSec: 20 / (1 + index),
        promptTokens,
      })),
    },
  ],
  [
    "four depths of two quantizations, the deepest not measured",
    {
      configurations: ["none", "nf4"].flatMap((quantization, q) =>
        [0, 1024, 2048, 4096].map((depth, index) => ({
          id: `${quantization}-depth-${depth}`,
          axes: { quantization, depth: `depth ${depth}` },
          reference: q === 0 && index === 0,
          tokensPerSec: 20 / (1 + q + index / 2),
          ...(depth === 0 ? {} : { depth }),
          failsAtLoad: depth === 4096 && q === 1 ? { code: "out-of-memory-host" } : undefined,
        })),
      ),
    },
  ],
  [
    "a batch axis with long names",
    { configurations: BATCHES.map((one) => ({ ...one, axes: { ...one.axes, model: LONG_NAME } })) },
  ],
  ["three hundred trials", { repeats: 60, configurations: THREE.slice(0, 1) }],
  ["nothing that could be loaded", { configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) }],
  [
    "a reference that failed",
    { configurations: THREE.map((one, i) => (i === 0 ? { ...one, failsAtLoad: {} } : one)) },
  ],
  ["trials that failed", { configurations: THREE.map((one) => ({ ...one, failedTrials: [0, 2] })) }],
  [
    "long names everywhere",
    {
      modelName: LONG_NAME,
      modelNote: "A long note. ".repeat(20),
      configurations: [...THREE, { id: "long", label: "x".repeat(300) }],
    },
  ],
];

function makeInputs(options: FakeRunOptions, isScored = false) {
  const data = groupRecords(isScored ? scoredRun(options) : fakeRun(options).records, "test");
  return chartInputs(data, writeSummary(data));
}

function makeSpecs(options: FakeRunOptions, isScored = false, room?: number) {
  const inputs = makeInputs(options, isScored);
  const shared = SHARED_CHARTS.map((name) => sharedChart(inputs, name, () => true, room));
  const [overview, ...others] = shared.filter((spec) => spec !== null);
  const articles = inputs.articles.map((input) => articleChart(input, room));
  return [...(overview === undefined ? [] : [overview]), ...articles, ...others];
}

/** The charts of the run as it is and with scored text, without those that the text does not change. */
function makeBoth(options: FakeRunOptions) {
  const both = [...makeSpecs(options), ...makeSpecs(options, true)];
  return [...new Map(both.map((spec) => [JSON.stringify(spec), spec])).values()];
}

let svg: SvgRenderer;
let render: ChartRenderer;
let fonts: Record<"regular" | "bold", FontMetrics>;
let isVegaLite: ValidateFunction;
beforeAll(async () => {
  ({ svg, render, fonts, isVegaLite } = await chartTools());
});

describe.each(CASES)("with %s", (_, options) => {
  test("every chart compiles without a warning of Vega-Lite", async () => {
    const { compile } = await import("vega-lite");
    const complaint = vi.fn();
    const logger = {
      level: () => logger,
      error: complaint,
      warn: complaint,
      info: () => logger,
      debug: () => logger,
    };
    for (const spec of makeBoth(options)) compile(spec, { logger: logger as never });
    expect(complaint.mock.calls).toEqual([]);
  });

  // Altair, which displays charts in notebooks, refuses whatever the schema does not allow.
  test("every chart holds by Vega-Lite's schema", () => {
    const sides = [fakeRun(options), fakeRun(options)].map(({ records }, index) => ({
      argument: String(index),
      data: groupRecords(records, "test"),
      configuration: null,
    }));
    const compared = compareChart(writeComparison(sides, { force: false }));
    for (const spec of [compared, ...makeBoth(options)]) {
      expect(isVegaLite(spec), JSON.stringify(isVegaLite.errors?.slice(0, 3))).toBe(true);
    }
  });

  // All charts are requested at once, so that one is examined while others are drawn.
  test.each([320, 640])("in %i pixels no text leaves the canvas, and nothing is wider", async (room) => {
    const specs = makeSpecs(options, true, room);
    for (const [i, drawn] of (await Promise.all(specs.map(svg))).entries()) {
      const { width, texts } = readTexts(drawn, fonts);
      expect(texts.filter(({ left, right }) => !(left >= 0 && right <= width))).toEqual([]);
      expect(width, JSON.stringify(specs[i]?.title)).toBeLessThanOrEqual(room);
    }
  });

  test("no text leaves the canvas, and the PNG is the SVG's size in fine pixels", async () => {
    for (const { svg, png } of await Promise.all(makeBoth(options).map(render))) {
      const { width, height, texts } = readTexts(svg, fonts);
      expect(texts.length).toBeGreaterThan(2);
      const isInside = ({ left, right, top, bottom }: PlacedText) =>
        left >= 0 && right <= width && top >= 0 && bottom <= height;
      expect(texts.filter((text) => !isInside(text))).toEqual([]);
      const size = Buffer.from(png);
      expect([size.readUInt32BE(16), size.readUInt32BE(20)]).toEqual([
        Math.round(width * PNG_SCALE),
        Math.round(height * PNG_SCALE),
      ]);
      expect(png.length).toBeGreaterThan(2_000);
      expect(width).toBeLessThan(1400);
      expect(height).toBeLessThan(1600);
    }
  });
});

test("texts of a chart do not lie on one another", async () => {
  for (const options of [{}, { configurations: TWELVE_LONG }, { repeats: 10 }]) {
    for (const drawn of await Promise.all(makeBoth(options).map(svg))) {
      const { texts } = readTexts(drawn, fonts);
      // If the same text occurs twice at one place, it is a label and its white outline.
      const distinct = texts.filter(
        (one, i) =>
          texts.findIndex(
            (other) => other.text === one.text && other.left === one.left && other.top === one.top,
          ) === i,
      );
      const isOver = (one: PlacedText, other: PlacedText) =>
        Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
        Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 2;
      const overlaps = distinct.flatMap((one, i) =>
        distinct.slice(i + 1).flatMap((other) => (isOver(one, other) ? [[one.text, other.text]] : [])),
      );
      expect(overlaps).toEqual([]);
    }
  }
});

test("the article's figure has memory left in red and seconds right in blue, over runs from 1", () => {
  const [, article] = makeSpecs({ device: "cuda" });
  const text = JSON.stringify(article);
  const axes = (
    article as unknown as { layer: { encoding: { y: { axis: Record<string, unknown> } } }[] }
  ).layer.map(({ encoding }) => encoding.y.axis);
  expect(axes).toMatchObject([
    { orient: "left", titleColor: COLORS.memory, title: expect.stringMatching(/GPU memory.* \(GB\)$/) },
    { orient: "right", titleColor: COLORS.time, title: expect.stringMatching(/time \(s\)$/) },
  ]);
  expect(text).toContain('"run":1');
  expect(text).not.toContain('"run":0');
});

test("a configuration without figures says why in their place", async () => {
  const specs = makeSpecs({ configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) });
  expect(specs).toHaveLength(4);
  for (const spec of specs) {
    const { texts } = readTexts(await svg(spec), fonts);
    expect(texts.map(({ text }) => text)).toContain("failed: quantization-not-applied");
    expect(texts.some(({ text }) => /NaN|undefined|null/.test(text))).toBe(false);
  }
});

test("lines broken from a long name are short enough, not too many, and begin and end as the name does", () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 400 }),
      fc.integer({ min: 4, max: 60 }),
      fc.integer({ min: 3, max: 6 }),
      (text, width, most) => {
        const lines = breakLines(text, width, most);
        expect(lines.length).toBeLessThanOrEqual(most);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width + 2);
        expect(text.trim().startsWith((lines[0] ?? "").slice(0, width - 2))).toBe(true);
        expect(text.trim().endsWith(lines.at(-1) ?? "")).toBe(true);
      },
    ),
  );
});

test("a configuration is dominated only by one that is as good in memory, speed and quality, and better in one", () => {
  const of = (weightsGb: number, tokensPerSec: number, kl: number | null) => ({
    weightsGb,
    tokensPerSec,
    kl,
  });
  expect(dominates(of(1, 10, 0.1), of(2, 9, 0.2))).toBe(true);
  expect(dominates(of(1, 10, 0.3), of(2, 9, 0.2))).toBe(false);
  expect(dominates(of(1, 10, 0.1), of(1, 10, 0.1))).toBe(false);
  expect(dominates(of(1, 10, null), of(2, 9, 0.2))).toBe(true);
  const points = tradeoffPoints(writeSummary(groupRecords(scoredRun(), "test")));
  // int8 is larger and slower than fp4; both diverge equally.
  expect(points.map(({ label, isOptimal }) => [label, isOptimal])).toEqual([
    ["bf16 (unquantized)", true],
    ["int8", false],
    ["fp4", true],
  ]);
});

test("the frontier goes up to each configuration that is faster than everything smaller, one line for each model", () => {
  const of = (weightsGb: number, tokensPerSec: number, reference = "a") => ({
    weightsGb,
    tokensPerSec,
    reference,
  });
  const points = [of(3, 20), of(1, 10), of(2, 8), of(4, 20), of(5, 2, "b")];
  expect(
    listFrontiers(points as never, 9).map(({ reference, weightsGb, tokensPerSec }) => [
      reference,
      weightsGb,
      tokensPerSec,
    ]),
  ).toEqual([
    ["a", 1, 0],
    ["a", 1, 10],
    ["a", 3, 20],
    ["a", 9, 20],
    ["b", 5, 0],
    ["b", 5, 2],
    ["b", 9, 2],
  ]);
});

test("without scored text no title speaks of quality, and of many points only the best are labelled", () => {
  const text = (options: FakeRunOptions, isScored: boolean) =>
    JSON.stringify(sharedChart(makeInputs(options, isScored), "tradeoff", () => true));
  expect(text({}, false)).toContain("memory and speed");
  expect(text({}, false)).not.toContain("quality");
  expect(text({}, true)).toContain("memory, speed and quality");
  const many = Array.from({ length: 20 }, (_, index) => ({
    id: `c${index}`,
    weightsBytes: 1e8 + index * 1e7,
    tokensPerSec: 30 - index,
  }));
  const rows = makeInputs({ configurations: many }).tradeoff?.rows ?? [];
  expect(rows.filter(({ isOptimal }) => isOptimal).map(({ label }) => label)).toEqual(["c0"]);
  const labelled = text({ configurations: many }, false).matchAll(/"lines":\["(\w+)/g);
  expect([...new Set(Array.from(labelled, ([, name]) => name))]).toEqual(["c0"]);
});

test("a tail gives for each divergence the share of tokens that lie at least as far", () => {
  expect(tailPoints([0.1, 0.4, 0.2, 0.3])).toEqual([
    { kl: 0.4, share: 0.25 },
    { kl: 0.3, share: 0.5 },
    { kl: 0.2, share: 0.75 },
    { kl: 0.1, share: 1 },
  ]);
});

test("a batch chart has a line for all that differs beside the batch, and a cross where one failed", () => {
  const input = makeInputs({ configurations: BATCHES }).batch;
  expect(input?.rows.map(({ series, x }) => [series, x])).toEqual([
    ["bf16 (unquantized)", 1],
    ["bf16 (unquantized)", 4],
    ["bf16 (unquantized)", 16],
    ["nf4", 1],
    ["nf4", 4],
    ["nf4", 16],
  ]);
  const [one, four, sixteen] = input?.rows ?? [];
  expect(sixteen).toMatchObject({ values: { rate: null, memory: null }, failure: "out-of-memory-device" });
  expect(one?.failure).toBeNull();
  // Four rows at 15 tokens per second each, give or take the differences between trials.
  expect(four?.values.rate?.median).toBeGreaterThan(55);
});

test("without two batch sizes there is no batch chart, and without two lengths none of lengths", () => {
  expect(makeInputs({}).batch).toBeNull();
  expect(makeInputs({ configurations: BATCHES }).length).toBeNull();
});
