import stringWidth from "string-width";
import { expect, test } from "vitest";
import { answersText } from "../../src/report/answers-terminal.js";
import { summarize } from "../../src/report/summary.js";
import { resultTable } from "../../src/report/terminal-table.js";
import { groupRecords } from "../../src/results/run-data.js";
import { type FakeRunOptions, fakeRun, THREE, TWELVE_LONG } from "../fixtures/records.js";

const dataOf = (options: FakeRunOptions = {}) => groupRecords(fakeRun(options).records, "test");
const tableOf = (options: FakeRunOptions, columns: number) =>
  resultTable(summarize(dataOf(options)), { columns, color: false });
const widest = (text: string) => Math.max(...text.split("\n").map((line) => stringWidth(line)));

test.each([
  [80, {}],
  [40, {}],
  [80, { configurations: TWELVE_LONG }],
  [60, { configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) }],
] as const)("no line of the table or of the answers is wider than %i columns", (columns, options) => {
  expect(widest(tableOf(options, columns))).toBeLessThanOrEqual(columns);
  expect(widest(answersText(dataOf(options), { columns, color: false }))).toBeLessThanOrEqual(columns);
});

test("the table has a row a configuration, marks the reference, and says what memory means", () => {
  const table = tableOf({}, 100);
  expect(table).toMatch(/│ none \*\s+│\s+269 MB │/);
  expect(table).toMatch(/│ fp4 /);
  expect(table.replaceAll("\n", " ")).toContain("Peak RSS is the whole process");
  expect(table).toContain("int8: weights 1.65× smaller (−106 MB)");
  expect(tableOf({ device: "cuda" }, 100)).toContain("Peak GPU");
});

test("a failure is named with its cause and its next step", () => {
  const table = tableOf(
    { configurations: THREE.map((one, i) => (i === 2 ? { ...one, failsAtLoad: {} } : one)) },
    80,
  );
  expect(table).toContain("fp4 ✗");
  expect(table).toContain("fp4 failed: quantization-not-applied (0 of 5 trials completed)");
  expect(table).toContain("next: ");
});

test("without colour there is no escape sequence, whatever a model said", () => {
  const data = dataOf({ answer: () => "\u001b[2J\u001b]0;title\u0007 hello" });
  const text = answersText(data, { columns: 80, color: false });
  expect(text).not.toContain("\u001b");
  expect(text).toContain("[U+001B]");
});

test("an answer that equals the reference's is said to", () => {
  const text = answersText(dataOf({ answer: () => "same" }), { columns: 80, color: false });
  expect(text).toContain("int8 (as the reference)");
});
