import fc from "fast-check";
import { expect, test } from "vitest";
import { renderError } from "../../src/base/render-error.js";
import { collectErrors, load, minimal } from "../fixtures/experiments.js";
import { fuzzParameters, mutated } from "../fixtures/fuzz.js";

/** Every part that a file may have, in few bytes because each case parses the whole text. */
const RICH = `name: rich
model: {config: {model_type: falcon}, weights: random}
prompts: [{id: a, text: "b # c"}, d]
generation: {max_new_tokens: 8, sampling: {seed: 1, temperature: 0.5}, truncate_prompts: left}
matrix:
  quantization: [none, {type: nf4, skip_modules: [x]}, {method: int8, threshold: 6.0}]
  dtype: &d [bf16, auto]
exclude:
  - {quantization: {type: nf4}, dtype: *d}
include: [{attention: eager}]
repeats: {width: 0.1}
rounds: 2
sentinel: true
reference: {quantization: none}
timeouts: {load_sec: 5}
`;
const seeds = [Buffer.from(minimal()), Buffer.from(RICH)];

/** Pieces of text that have a meaning in YAML or in an experiment file. */
const SPLINTERS = [
  ..."&a *a !!set !x <<: --- ... % @ ` ? | > - : , [ ] { } # \" ' ~ \t".split(" "),
  "\n",
  "\r",
  "\u2028",
  "\uFEFF",
  "\0",
  "\u202E",
  "*a, *a, *a",
  "&a [*a]",
  "__proto__: 1",
  "1e999",
  "-0",
  "0x7f",
  ".nan",
  ".inf",
  "null",
  "true",
  '"\\ud800"',
  "matrix:\n  quantization: [none, int8]\n",
  "include: [{quantization: fp4}]\n",
  "rounds: {count: 2, seed: 1}\n",
  "    ",
  "[".repeat(60),
  "{a: ".repeat(60),
];

/** Loads the file and checks that every error can be shown and points to a place inside the file. */
async function check(bytes: Uint8Array): Promise<void> {
  const lines = new TextDecoder().decode(bytes).split("\n");
  for (const error of await collectErrors(() => load(bytes))) {
    expect(renderError(error, { color: false })).toContain(error.code);
    expect(error.place?.source).toBe("/lab/x.yaml");
    if (error.code === "experiment-file-unreadable") continue;
    const { line, column } = error.place ?? {};
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[(line ?? 1) - 1]?.length ?? 0) + 1);
  }
}

const key = fc.constantFrom("name", "model", "prompts", "matrix", "generation", "repeats", "exclude", "x");
const json = fc.jsonValue({ maxDepth: 3 });
const anything = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.dictionary(key, json).map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 1, arbitrary: json.map((value) => Buffer.from(minimal(`matrix: ${JSON.stringify(value)}`))) },
  { weight: 6, arbitrary: mutated(seeds, SPLINTERS) },
);

test("the seeds are experiments as they stand", async () => {
  for (const seed of seeds) expect(await collectErrors(() => load(seed))).toEqual([]);
});

test("whatever the bytes of an experiment file, loading ends in an experiment or in errors with a place", async () => {
  await fc.assert(fc.asyncProperty(anything, check), fuzzParameters("experiment file"));
}, 600_000);

test.each([
  ["20,000 unknown keys", minimal(...Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`)), 100],
  ["20,000 times the same key", minimal(...Array.from({ length: 20_000 }, () => "repeats: 1")), 100],
  ["a list in a list, 20,000 deep", minimal(`matrix: ${"[".repeat(20_000)}`), 1],
  [
    "a mapping in a mapping, 3,000 deep",
    minimal(...Array.from({ length: 3_000 }, (_, i) => `${" ".repeat(i)}a:`)),
    1,
  ],
  ["a list that holds itself", minimal("matrix: &a [*a]"), 1],
])("%s: told in so many errors, each with its place", async (_name, text, count) => {
  expect(await collectErrors(() => load(text))).toHaveLength(count);
  await check(Buffer.from(text));
});
