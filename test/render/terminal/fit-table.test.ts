import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { fitTable, nameColumn, type TableColumn } from "../../../src/render/terminal/fit-table.js";

type Row = Readonly<Record<"name" | "a" | "b" | "c", string>>;

const cell = fc
  .string({ unit: fc.constantFrom("x", "7", " ", "漢"), maxLength: 30 })
  .map((text) => `.${text}.`);
const rows = fc.array(fc.record({ name: cell, a: cell, b: cell, c: cell }), { minLength: 1, maxLength: 6 });
const COLUMNS: readonly TableColumn<Row>[] = [
  nameColumn("name", ({ name }) => name),
  { header: "a", cell: ({ a }) => a, dropRank: 0 },
  { header: "b", cell: ({ b }) => b, dropRank: 2 },
  { header: "c", cell: ({ c }) => c, dropRank: 1 },
];

const widthOf = (text: string) => Math.max(...text.split("\n").map((line) => stringWidth(line)));
const headersOf = (text: string) => text.split("\n")[1]?.match(/name|(?<= )[abc](?= )/g);

test("no line is wider than the terminal, save where the table says so", () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 150 }), fc.boolean(), (all, columns, color) => {
      const { text, isTooWide } = fitTable(all, COLUMNS, { columns, color });
      expect(widthOf(stripVTControlCharacters(text)) > columns).toBe(isTooWide);
    }),
  );
});

test("a name that is cut within a wide character is no wider for it", () => {
  const row = { name: ".x漢xxxx漢漢.", a: ".xxxxxxxxxx.", b: "", c: "" };
  const { text, isTooWide } = fitTable([row], COLUMNS, { columns: 31, color: false });
  expect([widthOf(text) <= 31, isTooWide]).toEqual([true, false]);
});

test("a table that fits only because a name is cut before a wide character is not too wide", () => {
  const row = { name: ".xxx漢漢漢漢.", a: ".xxxxxxxxx.", b: "..", c: ".." };
  const { text, isTooWide } = fitTable([row], COLUMNS, { columns: 29, color: false });
  expect([widthOf(text), isTooWide]).toEqual([29, false]);
});

test("columns of the highest rank are left out first, and only as many as has to be", () => {
  const row = { name: "n".repeat(20), a: "a".repeat(10), b: "b".repeat(10), c: "c".repeat(10) };
  const headersAt = (columns: number) => headersOf(fitTable([row], COLUMNS, { columns, color: false }).text);
  // Each cell adds three columns of border and padding, and the last border adds one more.
  expect(headersAt(63)).toEqual(["name", "a", "b", "c"]);
  expect(headersAt(62)).toEqual(["name", "a", "c"]);
  expect(headersAt(50)).toEqual(["name", "a", "c"]);
  expect(headersAt(49)).toEqual(["name", "a"]);
  expect(headersAt(10)).toEqual(["name", "a"]);
});

test("a name is narrowed to 24 before a column goes, then to 12, and values are never cut", () => {
  const row = { name: "n".repeat(40), a: "a".repeat(10), b: "b".repeat(10), c: "c".repeat(10) };
  const at = (columns: number) => fitTable([row], COLUMNS, { columns, color: false });
  expect(at(67).text).toContain(`│ ${"n".repeat(23)}… │ aaaaaaaaaa │ bbbbbbbbbb │ cccccccccc │`);
  expect(at(66).text).not.toContain("bbb");
  expect(at(29)).toMatchObject({
    isTooWide: false,
    text: expect.stringContaining("│ nnnnnnnnnnn… │ aaaaaaaaaa │"),
  });
  expect(at(28)).toMatchObject({ isTooWide: true, text: at(29).text });
});

test("of several columns that may be narrower, the widest gives first", () => {
  const both = COLUMNS.slice(0, 2).map((column) => ({ ...column, narrowest: 4 }));
  const row = { name: "n".repeat(30), a: "a".repeat(10), b: "", c: "" };
  const at = (columns: number) => fitTable([row], both, { columns, color: false }).text;
  expect(at(30)).toContain(`│ ${"n".repeat(12)}… │ aaaaaaaaaa │`);
  expect(at(23)).toMatch(/│ n{7}… │ a{7}… │/);
});
