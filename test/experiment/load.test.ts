import fc from "fast-check";
import { expect, test } from "vitest";
import { renderError } from "../../src/base/render-error.js";
import { collectErrors, load, minimal } from "../fixtures/experiments.js";

const listProblems = async (text: string | Uint8Array, options: Parameters<typeof load>[1] = {}) =>
  (await collectErrors(() => load(text, options))).map(({ code, place, message, next }) => ({
    code,
    at: place === null ? null : `${place.line}:${place.column}`,
    message,
    next,
  }));

test("the smallest file gets every default", async () => {
  const experiment = await load(minimal());
  expect(experiment).toMatchObject({ name: "x", repeats: 1, warmup: 1, trust_remote_code: false });
  expect(experiment.base).toMatchObject({
    quantization: { method: "none" },
    dtype: "auto",
    max_new_tokens: 32,
    max_length: null,
    sampling: "greedy",
  });
  expect(experiment.prompts).toEqual([{ id: "p1", text: "hello" }]);
});

test("an unknown key is named with its place and what was probably meant", async () => {
  const found = await listProblems(minimal("repeat: 3"));
  expect(found).toEqual([
    {
      code: "experiment-unknown-key",
      at: "4:1",
      message: 'Unknown key "repeat".',
      next: "Did you mean repeats?",
    },
  ]);
});

test("a wrong value shows its line with a caret under it", async () => {
  const [error] = await collectErrors(() => load(minimal("matrix:", "  quantization: [none, int4]")));
  if (error === undefined) throw new Error("the file was taken");
  const shown = renderError(error, { color: false });
  expect(shown).toContain("/lab/x.yaml:5:24: error experiment-invalid-value");
  expect(shown).toContain("  5 |   quantization: [none, int4]\n    |                        ^^^^");
});

test("every problem of a file is reported at once, in the order of the file", async () => {
  const found = await listProblems(minimal("repeats: 0", "warmup: -1", "sead: 1"));
  expect(found.map(({ at }) => at)).toEqual(["4:10", "5:9", "6:1"]);
});

test("keys that the libraries use are pointed to their place here", async () => {
  const [found] = await listProblems(minimal("load_in_4bit: true"));
  expect(found?.next).toContain("matrix.quantization: fp4");
});

test("a duplicate key is refused", async () => {
  const found = await listProblems(minimal("repeats: 1", "repeats: 2"));
  expect(found).toMatchObject([{ code: "experiment-duplicate-key", at: "5:1" }]);
});

test("shorthand quantizations mean the same as their mappings", async () => {
  const short = await load(minimal("matrix:", "  quantization: [int8, nf4]"));
  const long = await load(
    minimal("matrix:", "  quantization: [{method: int8, threshold: 6.0}, {type: nf4, double_quant: false}]"),
  );
  expect(short.matrix).toEqual(long.matrix);
});

test("a checkpoint's path begins at the file's folder, as a model's does, and its hub id is one", async () => {
  const checkpoint = async (written: string) => {
    const lines = ["matrix:", `  quantization: [none, {method: as-stored, checkpoint: ${written}}]`];
    return (await load(minimal(...lines))).matrix[0]?.values[1]?.quantization;
  };
  expect(await checkpoint("./w4")).toMatchObject({ checkpoint: { source: "path", path: "/lab/w4" } });
  expect(await checkpoint("lab/w4-awq")).toMatchObject({
    checkpoint: { source: "hub", repo: "lab/w4-awq", revision: null },
  });
  const found = await listProblems(
    minimal("matrix:", "  quantization: [{method: as-stored, checkpoint: smollm2-135m-instruct}]"),
  );
  expect(found).toMatchObject([{ code: "experiment-invalid-value", at: "5:50" }]);
});

test("two values of an axis that mean the same are refused", async () => {
  const found = await listProblems(minimal("matrix:", "  dtype: [bf16, bfloat16]"));
  expect(found).toMatchObject([{ code: "experiment-duplicate-value", at: "5:17" }]);
});

test("max_new_tokens and max_length cannot both be given", async () => {
  const found = await listProblems(minimal("generation: {max_new_tokens: 4, max_length: 9}"));
  expect(found).toMatchObject([{ code: "experiment-invalid-value" }]);
});

test.each([
  ["smollm2-135m-instruct", { source: "builtin", name: "smollm2-135m-instruct", path: null }],
  ["tiiuae/falcon-40b-instruct", { source: "hub", repo: "tiiuae/falcon-40b-instruct", revision: null }],
  ["./model", { source: "path", path: "/lab/model" }],
  ["{hub: a/b, revision: abc}", { source: "hub", repo: "a/b", revision: "abc" }],
  ["{path: ../m}", { source: "path", path: "/m" }],
  [
    "{path: base, adapter: ./lora}",
    { source: "adapted", base: { source: "path", path: "/lab/base" }, adapter: "/lab/lora", merged: false },
  ],
  [
    "{hub: a/b, adapter: {path: lora, merged: true}}",
    {
      source: "adapted",
      base: { source: "hub", repo: "a/b", revision: null },
      adapter: "/lab/lora",
      merged: true,
    },
  ],
  [
    "{path: base, adapter: {hub: lab/lora, revision: abc}}",
    {
      source: "adapted",
      base: { source: "path", path: "/lab/base" },
      adapter: { source: "hub", repo: "lab/lora", revision: "abc" },
      merged: false,
    },
  ],
])("model %s is understood", async (written, source) => {
  const experiment = await load(`name: x\nmodel: ${written}\nprompts: [a]\n`);
  expect(experiment.base.model.source).toEqual(source);
});

test("a model and the same with an adapter go by different names, and random weights take none", async () => {
  const experiment = await load(
    "name: x\nmodel: {builtin: smollm2-135m-instruct, adapter: ./chat-lora}\nprompts: [a]\n",
  );
  expect(experiment.base.model.name).toBe("SmolLM2-135M-Instruct + chat-lora");
  const found = await listProblems(
    "name: x\nmodel: {config: {model_type: falcon}, weights: random, adapter: ./lora}\nprompts: [a]\n",
  );
  expect(found).toMatchObject([{ code: "experiment-unknown-key" }]);
});

test("a slip in the embedded model's name is no hub id", async () => {
  const [found] = await listProblems("name: x\nmodel: smollm2-135m-instuct\nprompts: [a]\n");
  expect(found).toMatchObject({
    code: "experiment-model-unknown",
    next: "Did you mean smollm2-135m-instruct?",
  });
});

test("a random model's config may stand in a file beside the experiment", async () => {
  const experiment = await load(
    "name: x\nmodel: {config: config.json, weights: random, seed: 3}\nprompts: [a]\n",
    {
      files: { "/lab/config.json": '{"model_type": "falcon", "hidden_size": 64}' },
    },
  );
  expect(experiment.base.model).toMatchObject({
    // The name of the config file says nothing about the model.
    name: "falcon with random weights",
    source: { source: "random", seed: 3, tokenizer: "bytes", config: { hidden_size: 64 } },
  });
});

test("a whole number that a config writes as a float stays one, in the file, beside it, merged in or set", async () => {
  const floatsOf = async (text: string, options: Parameters<typeof load>[1] = {}) => {
    const { source } = (await load(text, options)).base.model;
    return source.source === "random" ? source.floats : null;
  };
  const family = "model_type: gemma2, hidden_size: 64, rms_norm_eps: 1e-6";
  const inline = (more: string) =>
    `name: x\nmodel: {config: {${family}${more}}, weights: random}\nprompts: [a]\n`;
  expect(await floatsOf(inline(""))).toBeUndefined();
  expect(await floatsOf(inline(", final_logit_softcapping: 30.0, rope: {a: [1, 1e4]}"))).toEqual([
    ["final_logit_softcapping"],
    ["rope", "a", "1"],
  ]);
  expect(await floatsOf(`x-a: &a {factor: 8.0}\n${inline(", rope: {<<: *a}")}`)).toEqual([
    ["rope", "factor"],
  ]);
  expect(await floatsOf(inline(""), { set: ["model.config.factor=2.0"] })).toEqual([["factor"]]);
  const files = { "/lab/c.json": '{"model_type": "gemma2",\n\t"final_logit_softcapping": 30.0, "n": 30}' };
  expect(
    await floatsOf("name: x\nmodel: {config: c.json, weights: random}\nprompts: [a]\n", { files }),
  ).toEqual([["final_logit_softcapping"]]);
});

test("a drafting model of `generation` is read as the model is, and an error names it", async () => {
  const random = "{config: {model_type: gemma2, final_logit_softcapping: 30.0}, weights: random}";
  const { base } = await load(minimal(`generation: {assistant_model: ${random}}`));
  expect(base.assistant_model).toMatchObject({ floats: [["final_logit_softcapping"]] });
  const [error] = await collectErrors(() =>
    load(minimal("generation: {assistant_model: smollm2-135m-instrukt}")),
  );
  expect(error?.message).toMatch(
    /^generation\.assistant_model: "smollm2-135m-instrukt" is not a known model/,
  );
  expect(error?.place?.line).toBe(4);
});

test("a random model goes by its config's file", async () => {
  const experiment = await load(
    "name: x\nmodel: {config: falcon-40b.json, weights: random}\nprompts: [a]\n",
    {
      files: { "/lab/falcon-40b.json": '{"model_type": "falcon"}' },
    },
  );
  expect(experiment.base.model).toMatchObject({
    name: "falcon-40b with random weights",
    note: expect.stringContaining("answers and quality mean nothing"),
  });
});

test("a name that is a hub id and a folder beside the file is refused, with both ways to write it", async () => {
  const text = "name: x\nmodel: models/llama\nprompts: [a]\n";
  const [found, ...others] = await listProblems(text, { files: { "/lab/models/llama": null } });
  expect(found).toEqual({
    code: "experiment-model-unknown",
    at: "2:8",
    message: 'model: "models/llama" is both a model on the hub and a folder beside this file.',
    next: "Write ./models/llama for the folder, or {hub: models/llama} for the hub's model.",
  });
  expect(others).toEqual([]);
});

test.each([
  ["./models/llama", { source: "path", path: "/lab/models/llama" }],
  ["{path: models/llama}", { source: "path", path: "/lab/models/llama" }],
  ["{hub: models/llama}", { source: "hub", repo: "models/llama" }],
  // There is a file of that name, but only a folder could be a model.
  ["models/notes", { source: "hub", repo: "models/notes" }],
])("%s says which of the two is meant", async (written, source) => {
  const files = { "/lab/models/llama": null, "/lab/models/notes": "" };
  const experiment = await load(`name: x\nmodel: ${written}\nprompts: [a]\n`, { files });
  expect(experiment.base.model.source).toMatchObject(source);
});

test("a snapshot in the hub's cache goes by its repository's name, another folder by its own", async () => {
  const nameOf = async (path: string) =>
    (await load(`name: x\nmodel: ${path}\nprompts: [a]\n`)).base.model.name;
  expect(await nameOf("/hf/hub/models--lab--tiny-llama/snapshots/a1a1a1a1")).toBe("lab/tiny-llama");
  expect(await nameOf("/hf/hub/models--gpt2/snapshots/a1a1a1a1/")).toBe("gpt2");
  expect(await nameOf("/models/llama")).toBe("llama");
});

test.each([
  ["p.txt", "one\n\ntwo\n"],
  ["p.jsonl", '"one"\n{"id": "p2", "text": "two"}\n'],
  ["p.yaml", "- one\n- {text: two}\n"],
])("prompts are read from %s", async (name, content) => {
  const experiment = await load(`name: x\nmodel: a/b\nprompts: {file: ${name}}\n`, {
    files: { [`/lab/${name}`]: content },
  });
  expect(experiment.prompts).toEqual([
    { id: "p1", text: "one" },
    { id: "p2", text: "two" },
  ]);
});

test("a prompt file that is missing or broken is named", async () => {
  const text = "name: x\nmodel: a/b\nprompts: {file: p.jsonl}\n";
  expect(await listProblems(text)).toMatchObject([{ code: "experiment-prompts-invalid", at: "3:17" }]);
  const [broken] = await listProblems(text, { files: { "/lab/p.jsonl": '"a"\n{nope\n' } });
  expect(broken?.message).toContain("line 2");
});

test.each([
  ["true", "right"],
  ["left", "left"],
  ["false", "no"],
])("truncate_prompts: %s cuts: %s", async (written, side) => {
  const { base } = await load(minimal(`generation: {truncate_prompts: ${written}}`));
  expect(base.truncate_prompts).toBe(side);
});

test("two prompts with one id are refused", async () => {
  const found = await listProblems("name: x\nmodel: a/b\nprompts: [{id: a, text: b}, {id: a, text: c}]\n");
  expect(found).toMatchObject([{ code: "experiment-prompts-invalid" }]);
});

test("an override replaces, adds and reaches into lists", async () => {
  const experiment = await load(minimal("repeats: 1", "matrix: {quantization: [none, int8]}"), {
    set: ["repeats=4", "generation.max_new_tokens=8", "matrix.quantization.1=fp4", "description='a: b'"],
  });
  expect(experiment).toMatchObject({ repeats: 4, description: "a: b", base: { max_new_tokens: 8 } });
  expect(experiment.matrix[0]?.values[1]).toMatchObject({ quantization: { type: "fp4" } });
});

test("a wrong override is reported at its place in the command line", async () => {
  const [error] = await collectErrors(() => load(minimal(), { set: ["repeats=none"] }));
  expect(error?.place).toMatchObject({ source: "--set", column: 9, text: "repeats=none" });
});

test.each(["repeats", "=3", "a..b=1", "name.first=x"])("the override %s is refused", async (override) => {
  const [error] = await collectErrors(() => load(minimal(), { set: [override] }));
  expect(error?.code).toBe("override-invalid");
});

test("matrix axes keep the order in which the file has them", async () => {
  const experiment = await load(
    minimal("matrix:", "  attention: [eager, sdpa]", "  quantization: [none, int8]"),
  );
  expect(experiment.matrix.map(({ name }) => name)).toEqual(["attention", "quantization"]);
});

test("a file that is not UTF-8 or not there is a user error", async () => {
  expect(await listProblems(new Uint8Array([0x61, 0xff, 0x0a]))).toMatchObject([
    { code: "experiment-file-unreadable" },
  ]);
});

test("an alias bomb is refused", async () => {
  const bomb = Array.from({ length: 12 }, (_, i) =>
    i === 0 ? "a0: &a0 [x, x]" : `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`,
  ).join("\n");
  const found = await listProblems(`${minimal()}${bomb}\n`);
  expect(found).toMatchObject([{ code: "experiment-yaml-aliases" }]);
});

test("whatever the bytes, loading succeeds or ends in user errors that can be shown", async () => {
  const key = fc.constantFrom("name", "model", "prompts", "matrix", "generation", "repeats", "exclude", "x");
  const yaml = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.dictionary(key, fc.jsonValue({ maxDepth: 3 })).map((value) => JSON.stringify(value)),
    fc.jsonValue({ maxDepth: 3 }).map((value) => minimal(`matrix: ${JSON.stringify(value)}`)),
  );
  await fc.assert(
    fc.asyncProperty(yaml, async (text) => {
      for (const error of await collectErrors(() => load(text))) {
        expect(renderError(error, { color: false })).not.toBe("");
      }
    }),
    { numRuns: 500 },
  );
});
