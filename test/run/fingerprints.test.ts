import { expect, test } from "vitest";
import { describeModelChanges } from "../../src/run/fingerprints.js";

const files = { weights: "a", tokenizer: "t", chat_template: null, generation_settings: "g" };

test.each([
  [{ weights: "b" }, "weights a → b"],
  [{ tokenizer: "u" }, "tokenizer t → u"],
  [{ chat_template: "c" }, "chat template none → c"],
  [{ generation_settings: "h" }, "generation settings g → h"],
])("what changed of a model's files is named: %o", (changes, text) => {
  expect(describeModelChanges(files, { ...files, ...changes })).toEqual([text]);
});

test("what older records do not tell is no change", () => {
  expect(describeModelChanges(null, files)).toEqual([]);
  expect(describeModelChanges({ ...files, generation_settings: null }, files)).toEqual([]);
});
