import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Prompt } from "../../src/experiment/experiment.js";
import type { Files } from "../fixtures/experiments.js";
import { collectErrors, load } from "../fixtures/experiments.js";

const written = (name: string, more = "") => `name: x\nmodel: a/b\nprompts: {file: ${name}${more}}\n`;
const filesOf = (name: string, content: string | Uint8Array): Files => ({ [`/lab/${name}`]: content });
const read = async (name: string, content: string | Uint8Array, more = "") =>
  (await load(written(name, more), { files: filesOf(name, content) })).prompts;
const refusal = async (name: string, content: string | Uint8Array, more = "") => {
  const [error, ...others] = await collectErrors(() => read(name, content, more));
  expect(others).toEqual([]);
  expect(error?.code).toBe("experiment-prompts-invalid");
  expect(error?.place).toMatchObject({ line: 3 });
  return [error?.message, error?.next];
};
const row = (value: unknown) => `${JSON.stringify(value)}\n`;

test.each<[string, string | Uint8Array, readonly Prompt[]]>([
  [
    "a.txt",
    "Why?\r\n\u200B\nName a bird.\rName a fish.",
    [
      { id: "p1", text: "Why?" },
      { id: "p2", text: "Name a bird." },
      { id: "p3", text: "Name a fish." },
    ],
  ],
  [
    "a.json",
    '["Why?", {"prompt": "How?", "id": 7}]',
    [
      { id: "p1", text: "Why?" },
      { id: "7", text: "How?" },
    ],
  ],
  [
    "a.yml",
    "- Why?\n- {id: how, text: 'How?', category: x}\n",
    [
      { id: "p1", text: "Why?" },
      { id: "how", text: "How?" },
    ],
  ],
  ["a.csv", '\uFEFFid,text\na,"Why, then?"\n', [{ id: "a", text: "Why, then?" }]],
  ["a.tsv", "prompt\tid\nWhy?\tb\n", [{ id: "b", text: "Why?" }]],
  ["a.jsonl.gz", gzipSync(row({ text: "Why?" })), [{ id: "p1", text: "Why?" }]],
  [
    "humaneval.jsonl",
    row({ task_id: "Demo/0", prompt: "def add(a, b):", test: "…" }),
    [{ id: "Demo-0", text: "def add(a, b):" }],
  ],
  [
    "one-turn.jsonl",
    row({ question_id: 81, turns: ["Write a postcard."] }),
    [{ id: "81", text: "Write a postcard." }],
  ],
  ["one-message.jsonl", row({ messages: [{ role: "user", content: "Why?" }] }), [{ id: "p1", text: "Why?" }]],
  [
    "openai.jsonl",
    row({
      messages: [
        { role: "system", content: "s" },
        { role: "user", content: "u" },
        { role: "assistant", content: "the answer that is known" },
      ],
    }),
    [
      {
        id: "p1",
        text: [
          { role: "system", content: "s" },
          { role: "user", content: "u" },
        ],
      },
    ],
  ],
  [
    "sharegpt.json",
    JSON.stringify([
      {
        id: "talk",
        conversations: [
          { from: "human", value: "a" },
          { from: "gpt", value: "b" },
          { from: "human", value: "c" },
          { from: "gpt", value: "d" },
        ],
      },
    ]),
    [
      {
        id: "talk",
        text: [
          { role: "user", content: "a" },
          { role: "assistant", content: "b" },
          { role: "user", content: "c" },
        ],
      },
    ],
  ],
  [
    "one-answer.jsonl",
    row({
      conversations: [
        { from: "human", value: "a" },
        { from: "gpt", value: "b" },
      ],
    }),
    [{ id: "p1", text: "a" }],
  ],
  [
    "a.yaml",
    "- id: talk\n  messages: [{role: user, content: a}, {role: model, content: b}, {role: user, content: c}]\n",
    [
      {
        id: "talk",
        text: [
          { role: "user", content: "a" },
          { role: "assistant", content: "b" },
          { role: "user", content: "c" },
        ],
      },
    ],
  ],
  ["no-input.jsonl", row({ instruction: "Sort.", input: "" }), [{ id: "p1", text: "Sort." }]],
])("%s is read as people have it", async (name, content, prompts) => {
  expect(await read(name, content)).toEqual(prompts);
});

test("field and id_field name what is taken, inside of lists as well; several parts are joined", async () => {
  const chat = row({ key: "k/1", messages: [{ role: "system" }, { role: "user", content: "Why?" }] });
  expect(await read("a.jsonl", chat, ", field: 'messages[1].content', id_field: key")).toEqual([
    { id: "k-1", text: "Why?" },
  ]);
  const alpaca = row({ instruction: "Sort.", input: "pear, fig" }) + row({ instruction: "Sing.", input: "" });
  expect(await read("b.jsonl", alpaca, ", field: [instruction, input]")).toEqual([
    { id: "p1", text: "Sort.\n\npear, fig" },
    { id: "p2", text: "Sing." },
  ]);
});

test.each<[string, unknown, string, string]>([
  ["a question about the answer", { turns: ["a", "b"] }, "1 question that asks", "field: turns[0]"],
  [
    "what a tool said",
    {
      messages: [
        { role: "user", content: "u" },
        { role: "tool", content: "t" },
      ],
    },
    'a message of "tool" at messages[1]',
    "field: messages[1].content",
  ],
  [
    "an input beside the instruction",
    { instruction: "a", input: "b" },
    "an instruction and an input",
    "[instruction, input]",
  ],
])("%s is measured only when it is said which part", async (_, value, message, next) => {
  const [said, then] = await refusal("a.jsonl", row("fine") + row(value));
  expect(said).toContain("In a.jsonl, line 2 ");
  expect(said).toContain(message);
  expect(then).toContain(next);
});

test("a row without a text names the keys that it has", async () => {
  const [message, next] = await refusal("a.jsonl", row({ question: "Why?", level: 3 }));
  expect(message).toContain("line 1 has none of the keys text, prompt; its keys are question, level");
  expect(next).toContain("field: question");
  const [other] = await refusal("a.jsonl", row({ question: "Why?" }), ", field: query");
  expect(other).toContain("no text under query; its keys are question");
});

test.each<[string, string | Uint8Array, string]>([
  ["a.json", '{"data": []}', "not a list, but a mapping with the keys data"],
  ["a.csv", "id,text\na,b,c\n", "it is not a table"],
  ["a.yaml", "- a\n---\n- b\n", "multiple documents"],
  ["a.jsonl.gz", "plain", "incorrect header check"],
  ["a.txt", Buffer.from("Why?\n", "utf16le"), "UTF-16"],
  ["a.txt", "\n\n", "holds no prompt"],
  ["a.parquet", "PAR1", ".parquet is not known"],
  ["a.jsonl", row({ text: "a", id: "//" }), "which contains no character that is allowed in a name"],
])("%s that cannot be read says why (%#)", async (name, content, reason) => {
  const [message] = await refusal(name, content);
  expect(message).toContain(reason);
});

test("any texts go through JSONL, CSV and JSON unchanged", async () => {
  const texts = fc.array(
    fc
      .string({ minLength: 1, unit: "grapheme" })
      .filter((text) => !/[\0\r\n\uFEFF]/.test(text) && text.trim() !== ""),
    { minLength: 1, maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(texts, async (written) => {
      const quoted = ["text", ...written.map((text) => `"${text.replaceAll('"', '""')}"`)].join("\n");
      for (const [name, content] of [
        ["a.jsonl", written.map(row).join("")],
        ["a.json", JSON.stringify(written)],
        ["a.csv", quoted],
      ] as const) {
        expect((await read(name, content)).map(({ text }) => text)).toEqual(written);
      }
    }),
    { numRuns: 30 },
  );
});
