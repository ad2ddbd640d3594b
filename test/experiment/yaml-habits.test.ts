/** YAML as people write it, and names that they know from other tools. */
import { expect, test } from "vitest";
import { collectErrors, load, minimal, planExperiment } from "../fixtures/experiments.js";

const problemsOf = async (text: string) =>
  (await collectErrors(() => planExperiment(text))).map(({ code, place, message, next }) => ({
    code,
    at: place === null ? null : `${place.line}:${place.column}`,
    message,
    next,
  }));

test("merge keys and x- keys hold what several values share", async () => {
  const { matrix, base } = await load(
    minimal(
      "x-shared: &short {max_new_tokens: 8}",
      "generation: {<<: *short, min_new_tokens: 8}",
      "matrix:",
      "  quantization: [&q {type: nf4, double_quant: true}, {<<: *q, compute_dtype: float32}]",
    ),
  );
  expect(base).toMatchObject({ max_new_tokens: 8, min_new_tokens: 8 });
  expect(matrix[0]?.values[1]).toMatchObject({
    quantization: { type: "nf4", double_quant: true, compute_dtype: "float32" },
  });
});

test("a mistake in what is merged in is shown where it is written", async () => {
  const [found] = await problemsOf(minimal("x-a: &a {max_new_tokens: -1}", "generation: {<<: *a}"));
  expect(found).toMatchObject({ code: "experiment-invalid-value", at: "4:26" });
});

test("a second document is refused", async () => {
  const [found] = await problemsOf(minimal("---", "name: y"));
  expect(found).toMatchObject({ code: "experiment-yaml-syntax", at: "4:1" });
  expect(found?.message).toContain("more than one YAML document");
});

test("a prompt with a colon is told once, with its cure", async () => {
  const found = await problemsOf("name: x\nmodel: a/b\nprompts:\n  - Translate to French: good cheese\n");
  expect(found).toMatchObject([
    { code: "experiment-invalid-value", at: "4:5", next: "Put the text in quotes." },
  ]);
});

test.each([
  ["generation: {temperature: 0.7}", "generation.sampling.temperature"],
  ["generation: {max_tokens: 64}", "max_new_tokens"],
  ["generation: {sampling: {temperature: 0}}", "sampling: greedy"],
  ["matrix: {quantization: int4}", "fp4 or nf4"],
  ["matrix: {quantization: {type: nf4, bnb_4bit_use_double_quant: true}}", "double_quant"],
])("%s leads to how it is written here", async (line, hint) => {
  const [found] = await problemsOf(minimal(line));
  expect(found?.next).toContain(hint);
});

test("an exclude that takes nothing out is an error, unless an override has narrowed the matrix", async () => {
  const text = minimal("matrix: {quantization: [none, nf4]}", "exclude: [{quantization: fp4}]");
  expect(await problemsOf(text)).toMatchObject([{ code: "plan-exclude-idle", at: "5:11" }]);
  const narrowed = await planExperiment(
    minimal("matrix: {quantization: [none, nf4]}", "exclude: [{quantization: nf4}]"),
    ["matrix.quantization=[none]"],
  );
  expect(narrowed.configurations).toHaveLength(1);
});

test("seeds of greedy answers are refused, and of sampled ones measured", async () => {
  expect(await problemsOf(minimal("matrix: {seed: [1, 2]}"))).toMatchObject([{ code: "plan-seed-idle" }]);
  const sampled = await planExperiment(minimal("generation: {sampling: {}}", "matrix: {seed: [1, 2]}"));
  expect(sampled.configurations).toHaveLength(2);
});

test("names of bitsandbytes inside a method's mapping are told as they are written here", async () => {
  const found = await problemsOf(
    minimal(
      "matrix:",
      "  quantization: [{load_in_4bit: true, bnb_4bit_quant_type: nf4, bnb_4bit_compute_dtype: float32}]",
    ),
  );
  expect(found.map(({ next }) => next)).toEqual(
    expect.arrayContaining([
      "It is written as type: nf4 or type: fp4.",
      "It is written as type.",
      "It is written as compute_dtype.",
    ]),
  );
});

test("a key that only holds an anchor is told to begin with x-", async () => {
  const [found] = await problemsOf(`base: &b {max_new_tokens: 8}\n${minimal("generation: {<<: *b}")}`);
  expect(found).toMatchObject({ at: "1:1", next: "Keys that only hold anchors begin with x-: x-base." });
});

test.each([
  ["description: 123", 'Put it in quotes: "123".'],
  ["description: true", 'Put it in quotes: "true".'],
])("%s is told to need quotes", async (line, next) => {
  expect((await problemsOf(minimal(line)))[0]).toMatchObject({ next });
});

test("a quotation mark that nothing closes is shown where it opens", async () => {
  const [found] = await problemsOf('name: x\nmodel: smollm2-135m-instruct\nprompts: ["hello]\nrepeats: 2\n');
  expect(found).toMatchObject({
    code: "experiment-yaml-syntax",
    at: "3:11",
    message: "This quotation mark is never closed.",
  });
});

test.each(["repeat=3", "timeouts.heartbeat=3"])("what is wrong in --set %s is shown there", async (set) => {
  const [error] = await collectErrors(() => planExperiment(minimal(), [set]));
  expect(error?.place).toMatchObject({ source: "--set", text: set });
});

test.each(["smollm2-135m", "SmolLM2", "smollm2-360m-instruct"])(
  "%s without an owner is taken for the embedded model misspelt, not for one of the hub",
  async (name) => {
    const [found] = await problemsOf(`name: x\nmodel: ${name}\nprompts: [hello]\n`);
    expect(found).toMatchObject({
      code: "experiment-model-unknown",
      next: "Did you mean smollm2-135m-instruct?",
    });
  },
);

test("names of the hub stay names of the hub", async () => {
  for (const name of ["gpt2", "HuggingFaceTB/SmolLM2-135M"]) {
    expect(await problemsOf(`name: x\nmodel: ${name}\nprompts: [hello]\n`)).toEqual([]);
  }
});
