import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isHarmful } from "../../src/base/text.js";
import { falconExp } from "../commands/cli.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const hundred = `[${Array.from({ length: 100 }, (_, index) => index + 1).join(", ")}]`;
const head = "name: x\nmodel: a/b\n";
const small = `${head}prompts: [a]\n`;
const bomb = Array.from({ length: 12 }, (_, index) =>
  index === 0 ? "a0: &a0 [x, x]" : `a${index}: &a${index} [${`*a${index - 1},`.repeat(9)}]`,
).join("\n");
const million = `${small}matrix: {seed: ${hundred}, top_k: ${hundred}, max_new_tokens: ${hundred}}\n`;

test.each([
  ["an empty prompt", `${head}prompts: [""]\n`, "experiment-invalid-value", "must not be empty"],
  ["half a character", `${head}prompts: ["\\ud800"]\n`, "experiment-invalid-value", "whole characters"],
  ["a YAML bomb", `${small}${bomb}\n`, "experiment-yaml-aliases", "without bound"],
  ["a million configurations", million, "plan-too-large", "1,000,000"],
  ["a duplicate key", `${small}name: y\n`, "experiment-duplicate-key", "written twice"],
  ["UTF-16", Buffer.from(`\uFEFF${small}`, "utf16le"), "experiment-file-unreadable", "UTF-16"],
  [
    "Latin-1",
    Buffer.from(`${small}description: caf\u00e9\n`, "latin1"),
    "experiment-file-unreadable",
    "line 4",
  ],
  ["a name that leads out", small.replace("name: x", "name: ../../x"), "experiment-invalid-value", "name"],
  ["a name with a NUL", small.replace("name: x", 'name: "x\\0"'), "experiment-invalid-value", "name"],
])("%s ends in its error with exit code 3, before any Python", async (_name, content, code, words) => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "x.yaml"), content);
  const { exitCode, stderr } = await falconExp(["run", "x.yaml", "--python", "/nowhere"], { cwd: folder });
  expect(exitCode).toBe(3);
  expect(stderr).toContain(code);
  expect(stderr).toContain(words);
  expect(stderr).toContain("next:");
  expect(readdirSync(folder)).toEqual(["x.yaml"]);
});

test("a byte-order mark is no part of the experiment", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "x.yaml"), `\uFEFF${small}`);
  expect((await falconExp(["validate", "x.yaml"], { cwd: folder })).exitCode).toBe(0);
});

test("hostile prompts are measured and shown harmlessly; one beyond the context is refused before measuring", async () => {
  const folder = scratchFolder();
  const config = `{model_type: falcon, vocab_size: 384, hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 4,
  num_kv_heads: 2, new_decoder_architecture: true, max_position_embeddings: 128}`;
  const prompts = ["🦅🦅", "a\0b", "\u202Egnp.exe\u202C", "\x1b[31mred\x07", "=1+1", "x".repeat(100_000)];
  writeFileSync(join(folder, "prompts.jsonl"), prompts.map((text) => `${JSON.stringify(text)}\n`).join(""));
  const text = `name: hostile
model: {config: ${config}, weights: random}
prompts: {file: prompts.jsonl}
warmup: 0
disturbed_retries: 0
generation: {max_new_tokens: 2, min_new_tokens: 2}
`;
  writeFileSync(join(folder, "x.yaml"), text);
  const { exitCode, stdout, stderr } = await falconExp(["run", "x.yaml", "--python", testPython()], {
    cwd: folder,
  });
  expect(exitCode, stderr).toBe(4);
  const harmful = (shown: string) =>
    Array.from(shown).filter((character) => character !== "\n" && isHarmful(character.codePointAt(0) ?? 0));
  expect(harmful(stdout)).toEqual([]);
  expect(harmful(stderr)).toEqual([]);
  expect(`${stdout}${stderr}`).toContain("prompt-too-long");
  const results = join(folder, "results", "hostile");
  const lines = readFileSync(join(results, readdirSync(results)[0] ?? "", "records.jsonl"), "utf8")
    .trim()
    .split("\n");
  const trials = lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "trial");
  expect(trials.map(({ status }) => status)).toEqual([
    "failed",
    ...Array.from({ length: 5 }, () => "completed"),
  ]);
  expect(trials[0]?.failure).toMatchObject({ code: "prompt-too-long" });
  expect(trials[0]?.failure.message).toMatch(/^Prompt p6: .*100,00\d tokens.*128/);
  expect(trials[0]?.failure.next).not.toBe("");
});
