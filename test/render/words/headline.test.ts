import { expect, test } from "vitest";
import { headline } from "../../../src/render/words/headline.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { scoredRun } from "../../fixtures/quality.js";
import { type FakeRunOptions, fakeRun, THREE } from "../../fixtures/records.js";

const lines = (options: FakeRunOptions = {}) =>
  writeSummary(groupRecords(fakeRun(options).records, "test")).configurations.map(headline);

test("a verdict is one line: size, speed, memory, quality", () => {
  expect(writeSummary(groupRecords(scoredRun(), "test")).configurations.map(headline)).toEqual([
    null,
    "1.7× smaller, 3.8× slower (1 load each), 1.2× less peak RSS, perplexity +11 % (quality loss is real)",
    "2.4× smaller, 3.4× slower (1 load each), 1.3× less peak RSS, perplexity +22 % (quality loss is real)",
  ]);
});

test("without scored text it says how many answers are the same, and that quality was not measured", () => {
  expect(lines({ answer: () => "The same." })[1]).toContain("all 5 answers the same (quality not measured)");
  expect(lines()[2]).toContain("1 of 5 answers the same (quality not measured)");
});

test("what other work decided is not judged", () => {
  const configurations = THREE.map((one) => ({ ...one, disturbedTrials: [0, 1, 2, 3, 4] }));
  expect(lines({ configurations })[1]).toContain("speed not judged (other work ran)");
});

test("a configuration that failed says so, with its code", () => {
  const configurations = THREE.map((one, i) => (i === 1 ? { ...one, failsAtLoad: {} } : one));
  expect(lines({ configurations })[1]).toBe("failed: quantization-not-applied");
});

test("over several texts it gives the range, and on how many the loss is real", () => {
  const [, int8] = writeSummary(groupRecords(scoredRun(), "test")).configurations;
  const ratio = (value: number, ci95_low: number, ci95_high: number) => ({ value, ci95_low, ci95_high });
  const [text] = int8?.quality ?? [];
  if (int8 === undefined || text === undefined) throw new Error("nothing was scored");
  const said = (...ratios: ReturnType<typeof ratio>[]) =>
    headline({ ...int8, quality: ratios.map((ppl_ratio) => ({ ...text, ppl_ratio })) })?.split("RSS, ")[1];
  expect(said(ratio(1.004, 0.99, 1.01), ratio(1.13, 1.1, 1.2))).toBe(
    "perplexity +0.4 % to +13 % on 2 texts (quality loss is real on 1)",
  );
  expect(said(ratio(0.998, 0.99, 1.01))).toBe("perplexity −0.2 % (within noise)");
  expect(said(ratio(0.9, 0.85, 0.95))).toBe("perplexity −10 % (no quality loss)");
});
