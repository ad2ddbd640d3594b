import { expect, test } from "vitest";
import { collectErrors, load, minimal } from "../fixtures/experiments.js";

test("without quality nothing is scored; with an empty one the five shipped texts are", async () => {
  expect((await load(minimal())).quality).toBeNull();
  const { quality } = await load(minimal("quality: {}"));
  expect(quality?.texts.map(({ id }) => id)).toEqual(["english", "german", "french", "spanish", "code"]);
  expect(quality).toMatchObject({ context: 512, max_tokens: 8192, keep_logprobs: false, lm_eval: null });
  for (const { text } of quality?.texts ?? []) expect(text.length).toBeGreaterThan(2500);
});

test("a text of one's own is a path relative to the experiment, and JSONL gives a field of every line", async () => {
  const { quality } = await load(
    minimal(
      "quality:",
      "  texts: [./manual.txt, { id: tickets, file: t.jsonl, field: body }, { file: plain.jsonl }]",
    ),
    {
      files: {
        "/lab/manual.txt": "How to.",
        "/lab/t.jsonl": '{"body": "One."}\n\n{"body": "Two.", "n": 3}\n',
        "/lab/plain.jsonl": '"Three."\n{"text": "Four."}',
      },
    },
  );
  expect(quality?.texts).toEqual([
    { id: "manual", text: "How to." },
    { id: "tickets", text: "One.\n\nTwo." },
    { id: "plain", text: "Three.\n\nFour." },
  ]);
});

test.each([
  ["a file that is not there", "texts: [./nowhere.txt]", "experiment-text-invalid", 5],
  ["a file without text", "texts: [./empty.txt]", "experiment-text-invalid", 5],
  ["a line that is not JSON", "texts: [./bad.jsonl]", "experiment-text-invalid", 5],
  ["two texts of one id", "texts: [code, { id: code, file: ./empty.txt }]", "experiment-text-invalid", 5],
  ["a window of nothing", "context: 1", "experiment-invalid-value", 5],
  ["an unknown key", "contxt: 64", "experiment-unknown-key", 5],
])("%s is refused with its place", async (_, line, code, at) => {
  const files = { "/lab/empty.txt": " \n", "/lab/bad.jsonl": "{" };
  const [error] = await collectErrors(() => load(minimal("quality:", `  ${line}`), { files }));
  expect(error).toMatchObject({ code, place: { line: at } });
});

test("repeats is a number, auto, or a mapping; a contradiction is refused", async () => {
  expect(await load(minimal("repeats: 3"))).toMatchObject({ repeats: 3, auto_repeats: null });
  expect(await load(minimal("repeats: auto"))).toMatchObject({
    repeats: 20,
    auto_repeats: { width: 0.1, fewest: 3, most: 20 },
  });
  expect(await load(minimal("repeats: { width: 0.05, most: 9 }"))).toMatchObject({
    repeats: 9,
    auto_repeats: { width: 0.05, fewest: 3, most: 9 },
  });
  const [error] = await collectErrors(() => load(minimal("repeats: { fewest: 5, most: 4 }")));
  expect(error?.code).toBe("experiment-invalid-value");
});

test.each([
  ["many", "Write a whole number from 1 to 10,000, auto, or a mapping {width, fewest, most}."],
  ["atuo", "Did you mean auto?"],
])("repeats: %s is told all that may stand there", async (written, next) => {
  const [error] = await collectErrors(() => load(minimal(`repeats: ${written}`)));
  expect(error).toMatchObject({
    message: `repeats must be a whole number from 1 to 10,000, auto, or a mapping {width, fewest, most}; it is ${JSON.stringify(written)}.`,
    next,
  });
});

test("lm_eval's folder is relative to the experiment", async () => {
  const { quality } = await load(
    minimal(
      "quality: { texts: [], lm_eval: { tasks: [everyday], include_path: ./tasks, trust_task_code: true } }",
    ),
  );
  expect(quality?.lm_eval).toEqual({
    tasks: ["everyday"],
    include_path: "/lab/tasks",
    limit: null,
    num_fewshot: null,
    trust_task_code: true,
  });
});

test("task files of one's own, which can run code, are refused unless they are trusted", async () => {
  const [error] = await collectErrors(() =>
    load(minimal("quality: { texts: [], lm_eval: { tasks: [everyday], include_path: ./tasks } }")),
  );
  expect(error).toMatchObject({ code: "experiment-code-untrusted", exitCode: 3 });
  expect(error?.next).toContain("trust_task_code: true");
});
