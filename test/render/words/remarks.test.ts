import { expect, test } from "vitest";
import { findSlowTrials } from "../../../src/analysis/outliers.js";
import type { Machine } from "../../../src/protocol/machine.js";
import { type QuantizationInput, resolveQuantization } from "../../../src/quantization/registry.js";
import {
  describeDisturbed,
  describeKept,
  describeMissingLibrary,
  describeModelFiles,
  describeRecompiled,
  describeRepacking,
  describeScoring,
  describeSlowTrials,
} from "../../../src/render/words/remarks.js";
import type { CompletedTrial, LoadRecord, RecordedProof } from "../../../src/run/record-types.js";
import { type ConfigurationData, groupRecords } from "../../../src/run/run-data.js";
import { scoredRun } from "../../fixtures/quality.js";
import { loadMeasurement, MACHINE, measurement, THREE } from "../../fixtures/records.js";

const trials = (...tpots: number[]) =>
  tpots.map(
    (tpot_sec, trial_index) =>
      ({ trial_index, measurement: measurement({ tpot_sec }) }) as unknown as CompletedTrial,
  );

const describeOf = (of: readonly CompletedTrial[]) => describeSlowTrials(findSlowTrials(of));

test("steady trials need no remark", () => {
  expect(describeOf(trials(0.1, 0.101, 0.099, 0.1, 0.102))).toEqual([]);
});

test("a slow first trial is named apart from other outliers", () => {
  const [first, other] = describeOf(trials(0.5, 0.1, 0.101, 0.099, 0.1, 0.9, 0.1005));
  expect(first).toContain("the first trial was slow (500 ms per token, compared with 101 ms)");
  expect(other).toContain("1 outlier in time per token (trial 6)");
});

test("a trial is an outlier from ten standard deviations on, as docs/metrics.md says", () => {
  // Median 100 ms and MAD 1 ms, so a standard deviation is 1.4826 ms.
  const last = (deviations: number) =>
    describeOf(trials(0.1, 0.099, 0.101, 0.1, 0.098, 0.1 + deviations * 0.0014826));
  expect(last(9.5)).toEqual([]);
  expect(last(10.5)[0]).toContain("1 outlier in time per token (trial 6)");
});

test("a fast first trial is an outlier like any other, not a slow start", () => {
  expect(describeOf(trials(0.001, 0.1, 0.101, 0.099, 0.1, 0.102))).toEqual([]);
});

test("too few trials, or trials that never differ, are not judged", () => {
  expect(describeOf(trials(0.1, 0.1, 9))).toEqual([]);
  expect(describeOf(trials(2, 2, 2, 2, 9))).toEqual([]);
});

const proof = (weights_bytes: number, effective: Partial<RecordedProof["quantization_effective"]>) =>
  ({
    weights_bytes,
    device_map: { "": "cpu" },
    quantization_effective: { block_size: 64, double_quant: true, compute_dtype: "bfloat16", ...effective },
  }) as unknown as RecordedProof;

test("weights that the first forward pass repacked are told with both sizes, and what became of them", () => {
  const remarks = describeRepacking(proof(111_692_152, {}), proof(113_109_832, { double_quant: false }));
  expect(remarks).toEqual([
    "112 MB at load, 113 MB once it runs: double quantization is undone by this CPU's kernel",
  ]);
});

test("sizes that are the same when they are rounded are told to the byte", () => {
  const [remark] = describeRepacking(proof(3_403_648, {}), proof(3_380_123, {}));
  expect(remark).toBe(
    "3,403,648 B at load, 3,380,123 B once it runs: this CPU's kernel repacked the weights",
  );
});

test("a compute dtype that the CPU's kernel does not know is not believed", () => {
  const remarks = describeRepacking(
    proof(116_426_752, { double_quant: false, compute_dtype: "float32" }),
    proof(113_108_992, { double_quant: false }),
  );
  expect(remarks).toEqual([
    "116 MB at load, 113 MB once it runs: this CPU's kernel computes in bfloat16, not float32",
  ]);
});

test("weights that stay as they were loaded need no remark, nor do those that were read once only", () => {
  expect(describeRepacking(proof(100, {}), proof(100, {}))).toEqual([]);
  expect(describeRepacking(proof(100, {}), null)).toEqual([]);
  expect(describeRepacking(null, proof(100, {}))).toEqual([]);
});

test("layers that a workaround left unquantized are told with their number, the reason and some of their names", () => {
  const gates = [0, 1, 2, 3].map((layer) => `model.layers.${layer}.mlp.shared_expert_gate`);
  expect(describeKept({ "cpu-4bit-shapes": gates, "weight-readers": ["backbone.mixer.dt_proj"] })).toEqual([
    "4 linear layers stayed unquantized, because this CPU's 4-bit kernel does not support their sizes: model.layers.0.mlp.shared_expert_gate, model.layers.1.mlp.shared_expert_gate, model.layers.2.mlp.shared_expert_gate, and 1 more",
    "1 linear layer stayed unquantized, because the model's own code uses their weights directly: backbone.mixer.dt_proj",
  ]);
  expect(describeKept(null)).toEqual([]);
});

test("what the model's own files do to the measuring is told, and nothing where they do nothing", () => {
  const data = (load: object, own: object) => ({
    load: { load: { ...loadMeasurement(THREE[0] as (typeof THREE)[0], "cpu"), ...load } } as LoadRecord,
    trials: [
      { status: "completed", measurement: measurement(own) } as unknown as CompletedTrial,
      { status: "completed", measurement: measurement({}) } as unknown as CompletedTrial,
    ],
  });
  expect(describeModelFiles(data({}, {}))).toEqual([]);
  const all = describeModelFiles(
    data(
      {
        generation_settings_left_out: { max_time: 3 },
        unknown_end_token: "<|im_end|>",
        tokenizer_difference: { file: "tokenizer.model", kind: "unigram", tokens: 40, own_tokens: 23 },
      },
      { template_loses_prompt: true, template_date: "2026-01-01", chat_template_applied: true },
    ),
  );
  expect(all).toHaveLength(5);
  expect(all[0]).toContain("the chat template left out the prompt's text in 1 of 2 trials");
  expect(all[1]).toContain(
    "(SentencePiece, unigram): words of its vocabulary become 40 tokens, but 23 according to the file",
  );
  expect(all[2]).toContain("<|im_end|>");
  expect(all[3]).toContain("max_time 3");
  expect(all[4]).toContain("fixed at 2026-01-01");
});

test.each([
  [[true], "the only trial was disturbed: a neighbour"],
  [[true, true], "all 2 trials were disturbed: a neighbour"],
  [[true, false, false], "1 of 3 trials was disturbed and left out of times: a neighbour"],
])("disturbed trials are told in words that fit their number: %o", (disturbed, text) => {
  const trials = disturbed.map((one) => ({ disturbed_by: one ? ["a neighbour"] : [] }));
  expect(describeDisturbed(trials as unknown as CompletedTrial[])).toEqual([text]);
});

function readFirst(generation: object): ConfigurationData {
  const [own] = groupRecords(scoredRun({ configurations: THREE.slice(0, 1) }), "test").configurations;
  if (own === undefined) throw new Error("the run has no configuration");
  return { ...own, plan: { ...own.plan, generation: { ...own.plan.generation, ...generation } } };
}

test("what was scored in another way than it answered says so", () => {
  expect(describeScoring(readFirst({}))).toEqual([]);
  expect(describeScoring(readFirst({ compile: "forward" }))).toEqual([
    "its texts were scored by the uncompiled forward pass",
  ]);
});

test("a trial that was measured again because of a compilation is told", () => {
  const { trials } = readFirst({});
  const completed = trials.flatMap((trial) => (trial.status === "completed" ? [trial] : []));
  expect(describeRecompiled(completed)).toEqual([]);
  const again = completed.map((trial) => ({
    ...trial,
    measurement: { ...trial.measurement, recompilations: 1 },
  }));
  expect(describeRecompiled(again.slice(0, 1))).toEqual([
    "1 trial measured again, because something was compiled during the trial",
  ]);
});

test("only what bitsandbytes packed is told to have run without its native library", () => {
  const machine: Machine = {
    ...MACHINE,
    bitsandbytes: { native_library: null, cpu_4bit: "unpacked", cpu_int8: "float" },
  };
  const told = (quantization: QuantizationInput, ran = machine) =>
    describeMissingLibrary(resolveQuantization(quantization), { machine: ran }).length;
  expect(["int8", "fp4", "none", "quanto-int8"].map((words) => told(words))).toEqual([1, 1, 0, 0]);
  expect(told("int8", MACHINE)).toBe(0);
  expect(describeMissingLibrary(resolveQuantization("int8"), null)).toEqual([]);
});
