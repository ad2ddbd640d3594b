import { expect, test } from "vitest";
import { diffAnswers } from "../../src/analysis/answer-diff.js";
import { tokenize } from "../fixtures/records.js";

const answer = (text: string) => {
  const { output_ids: ids, output_pieces: pieces } = tokenize(text);
  return { text, tokens: { ids, pieces } };
};
const kinds = (own: string, reference: string) =>
  diffAnswers(answer(own), answer(reference)).runs.map(({ kind, pieces }) => [kind, pieces.join("")]);

test("two answers that share only numbers and full stops part once, where they part", () => {
  expect(
    kinds("1. Traffic 1. congestion 2. parking 3.", "1. A bus 1. that runs 2. on time 3. all day"),
  ).toEqual([
    ["same", "1."],
    ["removed", " A bus 1. that runs 2. on time 3. all day"],
    ["inserted", " Traffic 1. congestion 2. parking 3."],
  ]);
});

test("a word put into a long answer is told alone, and the answer goes on as the same", () => {
  expect(
    kinds(
      "The sky is really blue because air scatters short wavelengths of light",
      "The sky is blue because air scatters short wavelengths of light",
    ),
  ).toEqual([
    ["same", "The sky is"],
    ["inserted", " really"],
    ["same", " blue because air scatters short wavelengths of light"],
  ]);
});
