import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makePlan } from "../../src/plan/make-plan.js";
import { isSamePlan, parsePlan, planText } from "../../src/plan/plan-file.js";
import type { Plan, PlanTrial } from "../../src/plan/plan-types.js";
import { collectErrors, load, minimal, planExperiment } from "../fixtures/experiments.js";

const labels = (plan: Awaited<ReturnType<typeof planExperiment>>) =>
  plan.configurations.map(({ worker }) => worker.label);

test("a matrix expands to every combination, the last axis fastest", async () => {
  const plan = await planExperiment(
    minimal("matrix:", "  attention: [eager, sdpa]", "  quantization: [none, int8]"),
  );
  expect(plan.configurations.map(({ axes }) => axes)).toEqual([
    { quantization: "none", attention: "eager" },
    { quantization: "int8", attention: "eager" },
    { quantization: "none", attention: "sdpa" },
    { quantization: "int8", attention: "sdpa" },
  ]);
  expect(labels(plan)).toEqual(["none eager", "int8 eager", "none sdpa", "int8 sdpa"]);
});

test("axes with one value do not lengthen labels", async () => {
  const plan = await planExperiment(minimal("matrix: {quantization: [none, fp4], dtype: bf16}"));
  expect(labels(plan)).toEqual(["none", "fp4"]);
  expect(plan.configurations[1]?.worker.dtype).toBe("bfloat16");
});

test("exclude takes out what it names, and what it does not name may be anything", async () => {
  const plan = await planExperiment(
    minimal(
      "matrix:",
      "  quantization: [none, fp4, {type: fp4, double_quant: true}]",
      "  attention: [eager, sdpa]",
      "exclude:",
      "  - {quantization: fp4, attention: eager}",
    ),
  );
  expect(labels(plan)).toEqual(["none eager", "none sdpa", "fp4 sdpa", "fp4-double sdpa"]);
});

test("include adds configurations; an axis that it does not name takes its first value of the matrix", async () => {
  const plan = await planExperiment(
    minimal("matrix: {quantization: [none, int8], attention: [sdpa]}", "include:", "  - {quantization: nf4}"),
  );
  expect(plan.configurations.at(-1)?.worker).toMatchObject({ attention: "sdpa", label: "nf4" });
});

test("an experiment of include alone has exactly those configurations", async () => {
  const plan = await planExperiment(minimal("include:", "  - {quantization: nf4}", "  - {model: a/b}"));
  expect(labels(plan)).toEqual(["SmolLM2-135M-Instruct nf4", "a/b none"]);
});

test("two equal configurations have the same identity and different names", async () => {
  const plan = await planExperiment(minimal("include: [{quantization: none}, {quantization: none}]"));
  const [first, second] = plan.configurations;
  expect(first?.inputs_sha256).toBe(second?.inputs_sha256);
  expect(labels(plan)).toEqual(["none", "none #2"]);
});

test("the identity changes with every input that can change a figure", async () => {
  const identity = async (...lines: string[]) =>
    (await planExperiment(minimal(...lines))).configurations[0]?.inputs_sha256;
  const base = await identity();
  expect(await identity("repeats: 5")).toBe(base);
  expect(await identity("description: other")).toBe(base);
  for (const line of [
    "warmup: 2",
    "generation: {max_new_tokens: 31}",
    "generation: {chat_template: off}",
    "matrix: {dtype: float32}",
    "matrix: {quantization: int8}",
    "matrix: {attention: eager}",
    "matrix: {device: cpu}",
    "trust_remote_code: true",
    "workarounds: none",
  ]) {
    expect(await identity(line), line).not.toBe(base);
  }
  const other = makePlan(await load(minimal()), { workerCodeSha256: "1".repeat(64) });
  expect(other.configurations[0]?.inputs_sha256).not.toBe(base);
});

test("the reference is the first unquantized configuration unless another is named", async () => {
  const matrix = "matrix: {quantization: [int8, none, fp4]}";
  const reference = async (...lines: string[]) =>
    (await planExperiment(minimal(matrix, ...lines))).header.reference_configuration_id;
  expect(await reference()).toBe("none");
  expect(await reference("reference: fp4")).toBe("fp4");
  expect(await reference("reference: {quantization: int8}")).toBe("int8");
  const [error] = await collectErrors(() => reference("reference: fp5"));
  expect(error).toMatchObject({ code: "plan-reference-unknown", next: "Did you mean fp4?" });
});

test("each prompt is measured in each repeat, repeat after repeat", async () => {
  const plan = await planExperiment("name: x\nmodel: a/b\nprompts: [one, two]\nrepeats: 2\n");
  expect(plan.trials.map(({ id, index, repeat }) => [id, index, repeat])).toEqual([
    ["none/p1/r1", 0, 0],
    ["none/p2/r1", 1, 0],
    ["none/p1/r2", 2, 1],
    ["none/p2/r2", 3, 1],
  ]);
});

test("an axis of temperature samples; greedy keeps no sampling settings", async () => {
  const plan = await planExperiment(minimal("matrix: {temperature: [0.5, 1]}"));
  expect(plan.configurations.map(({ generation }) => generation.sampling)).toEqual(["sample", "sample"]);
  expect(plan.configurations[0]?.generation).toMatchObject({ temperature: 0.5, top_k: 50, top_p: 1 });
  const greedy = await planExperiment(minimal());
  expect(greedy.configurations[0]?.generation).toMatchObject({ temperature: null, top_k: null, top_p: null });
});

test("a sweep of a million configurations is refused with its count", async () => {
  const numbers = JSON.stringify(Array.from({ length: 1000 }, (_, index) => index + 1));
  const [error] = await collectErrors(() =>
    planExperiment(minimal(`matrix: {seed: ${numbers}, top_k: ${numbers}}`)),
  );
  expect(error?.code).toBe("plan-too-large");
  expect(error?.message).toContain("1,000,000");
});

test("nothing left to measure is an error that names exclude", async () => {
  const [error] = await collectErrors(() => planExperiment(minimal("exclude: [{quantization: none}]")));
  expect(error).toMatchObject({ code: "plan-empty", place: { line: 4 } });
});

test("the least and the most tokens must not contradict each other", async () => {
  const [error] = await collectErrors(() =>
    planExperiment(minimal("generation: {min_new_tokens: 9, max_new_tokens: 8}")),
  );
  expect(error?.code).toBe("plan-tokens-contradict");
});

test("under max_length, the least tokens must leave room for a prompt", async () => {
  const plan = (least: number) =>
    planExperiment(minimal(`generation: {min_new_tokens: ${least}, max_length: 8}`));
  const [error] = await collectErrors(() => plan(8));
  expect(error).toMatchObject({
    code: "plan-tokens-contradict",
    message: "min_new_tokens 8 leaves no room for a prompt under max_length 8.",
  });
  expect(await collectErrors(() => plan(7))).toEqual([]);
});

test("a plan survives its file unchanged, and equal files give equal bytes", async () => {
  const axis = fc.uniqueArray(fc.constantFrom("none", "int8", "fp4", "nf4"), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(axis, fc.integer({ min: 1, max: 3 }), async (quantizations, repeats) => {
      const text = minimal(`repeats: ${repeats}`, `matrix: {quantization: [${quantizations.join(", ")}]}`);
      const plan = await planExperiment(text);
      expect(parsePlan(planText(plan))).toEqual(plan);
      expect(planText(await planExperiment(text))).toBe(planText(plan));
      expect(plan.trials).toHaveLength(quantizations.length * repeats);
      expect(new Set(plan.trials.map(({ id }) => id)).size).toBe(plan.trials.length);
      expect(plan.configurations.filter(({ is_reference }) => is_reference)).toHaveLength(1);
    }),
    { numRuns: 50 },
  );
});

test("a prompt's text stands once in the file, and plans that have it in every trial are read as before", async () => {
  const plan = await planExperiment(
    `name: x
model: a/b
prompts:
  - The yeast
  - messages: [{role: user, content: The dough}]
repeats: 2
rounds: 1
matrix: {quantization: [none, int8]}
`,
  );
  const text = planText(plan);
  expect(plan.trials).toHaveLength(8);
  expect(text.match(/The yeast/g)).toHaveLength(1);
  expect(text.match(/The dough/g)).toHaveLength(1);
  const older = [plan.header, ...plan.configurations, ...plan.blocks, ...plan.trials]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
  expect(parsePlan(older)).toEqual(plan);
  expect(isSamePlan(older, text)).toBe(true);
  expect(isSamePlan(older, text.replace("The yeast", "The flour"))).toBe(false);
  expect(isSamePlan(older.replace("The yeast", "The flour"), text)).toBe(false);
  const [first, ...others] = plan.trials as [PlanTrial, ...PlanTrial[]];
  const mixed = { ...plan, trials: [{ ...first, prompt: "The flour" }, ...others] };
  expect(() => planText(mixed)).toThrow("has another prompt");
  const without = text.split("\n").filter((line) => !line.includes("The yeast"));
  expect(() => parsePlan(without.join("\n"))).toThrow("lacks the prompt of the trial none/p1/r1");
});

test("a damaged plan file names the line", () => {
  expect(() => parsePlan('{"kind": "nonsense"}\n')).toThrow(/line 1/);
  expect(() => parsePlan("")).toThrow(/no header/);
});

test("the plan keeps what --set changed, so that the same can be asked for again", async () => {
  const { header } = await planExperiment(minimal(), ["repeats=2", "warmup=0"]);
  expect(header.overrides).toEqual(["repeats=2", "warmup=0"]);
  expect(header.repeats).toBe(2);
});

describe("two models", () => {
  const model = (hidden: number) =>
    `{config: {model_type: llama, vocab_size: 384, hidden_size: ${hidden}}, weights: random, seed: 1}`;
  const plan = (...lines: string[]) =>
    planExperiment(
      minimal(`matrix: {model: [${model(64)}, ${model(128)}], quantization: [int8, none, nf4]}`, ...lines),
    );
  const references = ({ configurations }: Plan) =>
    configurations.map(({ worker, reference_id }) => [worker.label, reference_id]);

  test("have a reference each, and names that tell them apart", async () => {
    const two = await plan();
    const names = two.configurations.map(({ worker }) => worker.label);
    expect(names[0]).toContain("hidden_size=64");
    expect(names[3]).toContain("hidden_size=128");
    const [first, second] = [two.configurations[1]?.worker.id, two.configurations[4]?.worker.id];
    expect(two.configurations.map(({ reference_id }) => reference_id)).toEqual([
      ...[first, first, first],
      ...[second, second, second],
    ]);
    expect(two.configurations.flatMap(({ is_reference }, index) => (is_reference ? index : []))).toEqual([
      1, 4,
    ]);
  });

  test("are scored after their own reference, whose log-probabilities they need", async () => {
    const scored = await plan("quality: {texts: [english], context: 64}");
    const order = scored.blocks.map(({ configuration_id }) => configuration_id);
    for (const { worker, reference_id } of scored.configurations) {
      expect(order.indexOf(reference_id ?? "")).toBeLessThanOrEqual(order.indexOf(worker.id));
    }
  });

  test("a reference that is named is one of each model that has it", async () => {
    const named = await plan("reference: {quantization: int8}");
    expect(references(named).map(([, id]) => id?.includes("int8"))).toEqual(Array(6).fill(true));
    expect(new Set(references(named).map(([, id]) => id)).size).toBe(2);
  });
});

test("what is quantized is compared with what is alike in all else; a lone axis with the first", async () => {
  const kernels = await planExperiment(
    minimal("matrix: {attention: [sdpa, eager], quantization: [none, nf4]}"),
  );
  expect(kernels.configurations.map(({ worker, reference_id }) => [worker.id, reference_id])).toEqual([
    ["none-sdpa", "none-sdpa"],
    ["nf4-sdpa", "none-sdpa"],
    ["none-eager", "none-eager"],
    ["nf4-eager", "none-eager"],
  ]);
  const lone = await planExperiment(minimal("matrix: {attention: [sdpa, eager]}"));
  expect(new Set(lone.configurations.map(({ reference_id }) => reference_id)).size).toBe(1);
});
