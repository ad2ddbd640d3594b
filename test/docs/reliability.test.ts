import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readMatrix, survivedFaults, testNames } from "../../scripts/fault-matrix.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const rows = readMatrix(readFileSync(join(root, "docs/reliability.md"), "utf8"));
const key = ({ file, name }: { file: string; name: string }) => `${file}: ${name}`;

function namesIn(file: string): readonly string[] {
  const path = join(root, file);
  return existsSync(path) ? testNames(file, readFileSync(path, "utf8")).map(key) : [];
}

test("every test that a row of docs/reliability.md names exists", () => {
  expect(rows.length).toBeGreaterThan(50);
  const missing = rows.flatMap(({ tests }) => tests.filter((one) => !namesIn(one.file).includes(key(one))));
  expect(missing.map(key)).toEqual([]);
});

test("every reliability test has a row in docs/reliability.md", () => {
  const files = [
    ...readdirSync(join(root, "test/reliability")).map((name) => `test/reliability/${name}`),
    ...readdirSync(join(root, "python/tests")).map((name) => `python/tests/${name}`),
  ].filter((path) => /test\/reliability\/.*\.test\.ts$|\/test_reliability\w*\.py$/.test(path));
  expect(files.length).toBeGreaterThan(5);
  const shown = new Set(rows.flatMap(({ tests }) => tests.map(key)));
  expect(files.flatMap(namesIn).filter((name) => !shown.has(name))).toEqual([]);
});

test("a fault counts as survived only where each of its tests ran and passed", () => {
  const matrix = readMatrix(
    [
      "| fault | promise | code | next step | test |",
      "| --- | --- | --- | --- | --- |",
      "| one | a | b | c | `t.ts`: falls (%s) and rises<br>`p.py`: test_it |",
    ].join("\n"),
  );
  const ran = (name: string, passed: boolean, file = "t.ts") => ({ file, name, passed });
  const python = ran("test_it", true, "p.py");
  const count = (...outcomes: readonly ReturnType<typeof ran>[]) => survivedFaults(matrix, outcomes).length;
  expect(count(ran("falls (a) and rises", true), ran("falls (b) and rises", true), python)).toBe(1);
  expect(count(ran("falls (a) and rises", true), ran("falls (b) and rises", false), python)).toBe(0);
  expect(count(ran("falls (a) and rises", true))).toBe(0);
  expect(count(ran("falls (a) and rises, too", true), python)).toBe(0);
});

test("a row that names no test is refused", () => {
  expect(() => readMatrix("| one | a | b | c | some day |")).toThrow("no test");
  expect(() => readMatrix("| one | a | b | c |")).toThrow("4 columns");
});
