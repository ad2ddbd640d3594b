import { expect, test } from "vitest";
import { countResults, formatRows, type Row } from "../../../scripts/gpu/rows.js";

const row = (changes: Partial<Row>): Row => ({
  what: "start",
  figure: "one card",
  expected: "a card",
  result: "ok",
  reason: "",
  ...changes,
});

test("the table has one padded line a row, and a reason stands with its result", () => {
  const text = formatRows([row({}), row({ what: "energy", result: "skipped", reason: "no\n  counter" })]);
  expect(text.split("\n")).toEqual([
    "| what   | figure   | expected | result              |",
    "| ------ | -------- | -------- | ------------------- |",
    "| start  | one card | a card   | ok                  |",
    "| energy | one card | a card   | skipped: no counter |",
  ]);
});

test("a figure that holds a bar stays one cell", () => {
  expect(formatRows([row({ figure: "a | b" })])).toContain("| a \\| b |");
});

test("results are counted", () => {
  const rows = [row({}), row({}), row({ result: "FAILED" }), row({ result: "skipped" })];
  expect(countResults(rows)).toBe("2 ok, 1 FAILED, 1 skipped");
});
