import stringWidth from "string-width";
import { expect, test } from "vitest";
import { computeQuantizedShare } from "../../../src/analysis/quantized-share.js";
import type { CensusKind } from "../../../src/protocol/measurements.js";
import { overviewInput } from "../../../src/render/charts/inputs/overview.js";
import { tradeoffPoints } from "../../../src/render/charts/inputs/tradeoff.js";
import { resultTable as htmlTable } from "../../../src/render/html/result-table.js";
import { resultTable } from "../../../src/render/terminal/terminal-table.js";
import {
  describeAsStored,
  describeExpectedShare,
  describeProofShare,
  describeQuantizedShare,
} from "../../../src/render/words/quantized-share.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import type { RecordedProof } from "../../../src/run/record-types.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { fakeRun, SMOLLM2 } from "../../fixtures/records.js";

const kind = (name: CensusKind["kind"], matrix_weights: number, quantized_weights: number): CensusKind => ({
  kind: name,
  bytes: 2 * matrix_weights,
  matrix_weights,
  matrix_bytes: 2 * matrix_weights,
  quantized_weights,
  unquantized_dtype: matrix_weights === quantized_weights ? null : "bfloat16",
});
const MIXTURE = [
  kind("embeddings", 900, 0),
  kind("attention", 11, 11),
  kind("experts", 88, 0),
  kind("router", 1, 0),
];

test("the share leaves embeddings and the output head out", () => {
  expect(computeQuantizedShare([...MIXTURE, kind("head", 900, 0)])).toBeCloseTo(0.11);
  expect(computeQuantizedShare([kind("embeddings", 9, 0)])).toBeNull();
});

test("a mixture of experts is told as what of it is quantized, and what is not", () => {
  expect(describeQuantizedShare("4bit", MIXTURE)).toBe(
    "mostly unquantized: 11 % of the matrix weights are 4-bit; experts are bfloat16",
  );
  expect(describeQuantizedShare("int8", [kind("attention", 80, 80), kind("mlp", 20, 0)])).toBe(
    "80 % of the matrix weights are 8-bit; MLP layers are bfloat16",
  );
  expect(describeQuantizedShare("4bit", [kind("attention", 60, 40), kind("mlp", 40, 20)])).toBe(
    "60 % of the matrix weights are 4-bit; some attention layers and some MLP layers are bfloat16",
  );
});

test("what is as stored is told with what the library made of it", () => {
  const proof = (share: number | null, weights_bytes: number) =>
    ({ matrix_weights_quantized_share: share, weights_bytes, dtype: "bfloat16" }) as RecordedProof;
  const describe = (atLoad: RecordedProof, running: RecordedProof) =>
    describeAsStored("gptq, 4 bits, groups of 128", atLoad, running)[0];
  expect(describeAsStored(null, proof(0, 9), proof(0, 9))).toEqual([]);
  expect(describe(proof(1, 1e8), proof(1, 1e8))).toBe("as stored: gptq, 4 bits, groups of 128");
  expect(describe(proof(null, 1e8), proof(null, 1e8))).toBe("as stored: gptq, 4 bits, groups of 128");
  expect(describe(proof(0, 2e8), proof(0, 2e8))).toBe(
    "as stored: gptq, 4 bits, groups of 128; dequantized by the library while it was loaded: nothing is below 16 bits, the weights are bfloat16",
  );
  expect(describe(proof(1, 113e6), proof(0, 272e6))).toBe(
    "as stored: gptq, 4 bits, groups of 128; dequantized by the library at the first forward pass: 113 MB at load, 272 MB once it runs, the weights are bfloat16",
  );
});

test("nothing is said where nearly all weights are quantized, nor where none were to be", () => {
  expect(describeQuantizedShare("4bit", [kind("mlp", 95, 95), kind("other", 5, 0)])).toBeNull();
  expect(describeQuantizedShare("none", MIXTURE)).toBeNull();
});

test("an estimate says the same sentence from the model's shape", () => {
  const matrix_kinds = MIXTURE.map(({ kind, matrix_weights, quantized_weights }) => ({
    kind,
    matrix_weights,
    quantizable_weights: quantized_weights,
  }));
  expect(describeExpectedShare({ ...SMOLLM2, matrix_kinds }, "4bit", "auto")).toBe(
    describeQuantizedShare("4bit", MIXTURE),
  );
  expect(describeExpectedShare(SMOLLM2, "4bit", "auto")).toBeNull();
});

test("what could not be opened is told as unknown, with names", () => {
  const census = { kinds: MIXTURE, unknown: { count: 7, names: ["a", "b", "c", "d", "e"] } };
  expect(describeProofShare({ census } as unknown as RecordedProof)).toEqual([
    "it is unknown how much of the model is quantized: the contents of a, b, c, d, e and 2 more cannot be determined",
  ]);
});

const MOE = {
  configurations: [
    { id: "none", reference: true },
    { id: "nf4", kinds: MIXTURE },
  ],
};

test("a configuration that is mostly unquantized is called so in table, charts, verdict and remark", () => {
  const data = groupRecords(fakeRun(MOE).records, "test");
  const summary = writeSummary(data);
  const [, nf4] = summary.configurations;
  expect(nf4?.against_reference?.sentence).toMatch(/^mostly unquantized; /);
  expect(nf4?.remarks).toContain(describeQuantizedShare("4bit", MIXTURE));
  const table = resultTable(summary, { columns: 100, color: false });
  expect(table).toContain("nf4 (mostly unquantized)");
  expect(table.split("\n").every((line) => stringWidth(line) <= 100)).toBe(true);
  expect(htmlTable(summary).text).toContain("(mostly unquantized)");
  expect(overviewInput(data, summary).rows[1]?.remarks).toContain("(mostly unquantized)");
  expect(tradeoffPoints(summary).map(({ label }) => label)).toContain("nf4 (mostly unquantized)");
});

test("records of before there was a census are read, and nothing is said of the share", () => {
  const summary = writeSummary(groupRecords(fakeRun().records, "test"));
  expect(summary.configurations.map((one) => one.matrix_weights_quantized_share)).toEqual([null, null, null]);
  expect(JSON.stringify(summary)).not.toContain("mostly unquantized");
});
