/** `generation` as people write it, and under the names that Transformers uses. */
import { expect, test } from "vitest";
import { collectErrors, load, minimal, planExperiment } from "../fixtures/experiments.js";

const loadBase = async (generation: string) => (await load(minimal(`generation: {${generation}}`))).base;

test.each<[string, object]>([
  ["stop: END", { stop: ["END"] }],
  ['stop: ["\\n\\n", END]', { stop: ["\n\n", "END"] }],
  ["eos_token_id: 7", { eos_token_id: [7] }],
  ["eos_token_id: [7, 9]", { eos_token_id: [7, 9] }],
  ["num_beams: 4", { num_beams: 4 }],
  ["num_beams: 1", { num_beams: null }],
  ["prompt_lookup_num_tokens: 10", { prompt_lookup_num_tokens: 10 }],
  ["prompt_lookup_num_tokens: 0", { prompt_lookup_num_tokens: null }],
  [
    "assistant_model: a/b, num_assistant_tokens: 5",
    { assistant_model: { source: "hub", repo: "a/b", revision: null }, num_assistant_tokens: 5 },
  ],
  ["assistant_model: none", { assistant_model: null }],
  ["depth: 4096", { depth: 4096 }],
  ["depth: 0", { depth: null }],
  ["cache: static", { cache: { type: "static" } }],
  ["cache: auto", { cache: null }],
  ["cache: quantized", { cache: { type: "quantized", backend: "quanto", bits: 4, group: 64 } }],
  ["cache: {bits: 2, group: 32}", { cache: { type: "quantized", backend: "quanto", bits: 2, group: 32 } }],
  [
    "cache: {type: quantized, backend: hqq, bits: 8}",
    { cache: { type: "quantized", backend: "hqq", bits: 8, group: 64 } },
  ],
  ["compile: auto", { compile: null }],
  ["system: Be brief.", { system: "Be brief." }],
  ["chat_template_kwargs: {enable_thinking: false}", { chat_template_kwargs: { enable_thinking: false } }],
  ["sampling: {min_p: 0.05, top_k: 0}", { sampling: "sample", min_p: 0.05, top_k: 0, temperature: 1 }],
  [
    "sampling: {typical_p: 0.9, epsilon_cutoff: 0.001, eta_cutoff: 0.002}",
    { sampling: "sample", typical_p: 0.9, epsilon_cutoff: 0.001, eta_cutoff: 0.002 },
  ],
])("generation: {%s}", async (written, settings) => {
  expect(await loadBase(written)).toMatchObject(settings);
});

test.each<[string, string]>([
  ["generation: {do_sample: false}", "sampling: greedy"],
  ["generation: {do_sample: true}", "{sampling: {temperature: 1}}"],
  ["generation: {temperature: 0}", "sampling: greedy"],
  ["max_new_tokens: 8", "generation.max_new_tokens"],
  ["generation: {stop_strings: [END]}", "generation.stop"],
  ["generation: {num_beam: 4}", "num_beams"],
  ["generation: {min_p: 0.1}", "generation.sampling.min_p"],
  ["generation: {sampling: {top_k: -1}}", "top_k: 0"],
  ["generation: {enable_thinking: false}", "chat_template_kwargs: {enable_thinking"],
  ["generation: {draft_model: a/b}", "generation.assistant_model"],
  ["generation: {num_return_sequences: 4}", "repeats"],
  ["generation: {cache_implementation: static}", "generation.cache"],
  ["generation: {torch_compile: true}", "compile: forward"],
  ["generation: {cache: {bits: 3}}", "Correct the value"],
  ["system_prompt: Be brief.", "generation.system"],
  ["generation: {chat_template_kwargs: {tokenize: false}}", "Correct the value"],
])("%s is pointed to its place here", async (written, next) => {
  const [error] = await collectErrors(() => load(minimal(written)));
  expect(error?.next).toContain(next);
});

test("a conversation is a prompt; one that nobody asks in at its end is refused with its place", async () => {
  const talk = (last: string) =>
    `name: x\nmodel: a/b\nprompts:\n  - messages: [{role: user, content: a}, {role: ${last}, content: b}]\n`;
  const { prompts } = await load(talk("user"));
  expect(prompts).toEqual([
    {
      id: "p1",
      text: [
        { role: "user", content: "a" },
        { role: "user", content: "b" },
      ],
    },
  ]);
  const [error] = await collectErrors(() => load(talk("assistant")));
  expect(error).toMatchObject({ code: "experiment-invalid-value", place: { line: 4 } });
  expect(error?.message).toContain("must end with a message of the user");
});

test.each<[string, string]>([
  ["generation: {num_beams: 2, prompt_lookup_num_tokens: 4}", "exclude each other"],
  ["generation: {num_beams: 2, batch_size: 4}", "batch_size 1"],
  ["generation: {assistant_model: a/b, num_beams: 2}", "num_beams and assistant_model exclude each other"],
  ["generation: {assistant_model: a/b, batch_size: 2}", "assistant_model works only with batch_size 1"],
  ["generation: {num_assistant_tokens: 5}", "num_assistant_tokens has no effect without assistant_model"],
  ["generation: {depth: 8, num_beams: 2}", "depth cannot be measured together with num_beams"],
  [
    "generation: {cache: static, prompt_lookup_num_tokens: 4}",
    "cache: static cannot be measured together with prompt_lookup_num_tokens",
  ],
  [
    "generation: {compile: forward, num_beams: 2}",
    "compile: forward cannot be measured together with num_beams",
  ],
  ["generation: {compile: forward, cache: dynamic}", "needs cache: static"],
  ["generation: {system: a, chat_template: off}", "system needs one"],
])("%s cannot be together", async (written, message) => {
  const [error] = await collectErrors(() => planExperiment(minimal(written)));
  expect(error?.code).toBe("plan-generation-contradicts");
  expect(error?.message).toContain(message);
});

test("axes of decoding have labels that tell them apart; greedy cells know no sampling", async () => {
  const { configurations } = await planExperiment(
    minimal(
      "matrix: {prompt_lookup_num_tokens: [0, 10], chat_template_kwargs: [{enable_thinking: true}, {}]}",
    ),
  );
  expect(configurations.map(({ worker }) => worker.label)).toEqual([
    "enable_thinking=true",
    "default",
    "lookup 10 enable_thinking=true",
    "lookup 10",
  ]);
  const drawn = await planExperiment(minimal("matrix: {sampling: [greedy, {min_p: 0.1}]}"));
  expect(drawn.configurations.map(({ generation }) => generation.min_p)).toEqual([null, 0.1]);
});

test("axes of the cache have labels that tell them apart; what is compiled has a static cache", async () => {
  const caches = await planExperiment(
    minimal("matrix: {cache: [auto, static, {bits: 2, group: 32}], depth: [0, 4096]}"),
  );
  expect(caches.configurations.map(({ worker }) => worker.label)).toEqual([
    "depth 0",
    "depth 4096",
    "depth 0 static cache",
    "depth 4096 static cache",
    "depth 0 quanto 2-bit cache, groups of 32",
    "depth 4096 quanto 2-bit cache, groups of 32",
  ]);
  const compiled = await planExperiment(minimal("matrix: {compile: [none, forward]}"));
  expect(compiled.configurations.map(({ worker }) => worker.label)).toEqual([
    "not compiled",
    "static cache compiled",
  ]);
  expect(compiled.configurations.map(({ generation }) => generation.cache)).toEqual([
    null,
    { type: "static" },
  ]);
});

test("cells of the matrix that mean the same are measured once; what is listed stays as listed", async () => {
  const both = "matrix: {cache: [auto, static], compile: [none, forward]}";
  const { configurations } = await planExperiment(minimal(both));
  const compiled = { cache: { type: "static" }, compile: "forward" };
  expect(configurations.map(({ generation: { cache, compile } }) => ({ cache, compile }))).toEqual([
    { cache: null, compile: "none" },
    compiled,
    { cache: { type: "static" }, compile: "none" },
  ]);
  const listed = await planExperiment(minimal(both, "include: [{cache: static, compile: forward}]"));
  expect(listed.configurations).toHaveLength(4);
});

test("what asks for nothing new has the identity that it had before; what does has another", async () => {
  const of = async (...lines: readonly string[]) =>
    (await planExperiment(minimal(...lines))).configurations.map(({ inputs_sha256 }) => inputs_sha256);
  const before = ["85d2c137e851d59545ac71ef1870d88cdcf6b5e892ec87d040531779024f62eb"];
  expect(await of()).toEqual(before);
  expect(await of("generation: {num_beams: 1, prompt_lookup_num_tokens: 0, depth: 0, cache: auto}")).toEqual(
    before,
  );
  for (const asked of [
    "stop: END",
    "num_beams: 2",
    "system: a",
    "chat_template_kwargs: {a: 1}",
    "depth: 1",
    "cache: static",
  ]) {
    expect(await of(`generation: {${asked}}`)).not.toEqual(before);
  }
});
