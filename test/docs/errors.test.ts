import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { chooseNextStep, FAILURE_CODES } from "../../src/worker/failures.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/errors.md`, "utf8");

const findRow = (code: string) => page.split("\n").find((line) => line.startsWith(`| \`${code}\` `));

test("every failure of a worker is documented with the next step that its record names", () => {
  for (const code of FAILURE_CODES) {
    const row = findRow(code);
    expect(row, code).toBeDefined();
    expect(row, code).toContain(chooseNextStep(code));
  }
});

test("every error code that the sources raise is documented", () => {
  const raised = new Set<string>();
  for (const file of readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const source = readFileSync(`${root}src/${file}`, "utf8");
    for (const match of source.matchAll(/\bcode: "([a-z]+(?:-[a-z0-9]+)+)"/g)) raised.add(match[1] as string);
  }
  expect(raised.size).toBeGreaterThan(10);
  const undocumented = [...raised].filter((code) => findRow(code) === undefined);
  expect(undocumented).toEqual([]);
});

test("every error code that notebooks and exports can see is documented", () => {
  const folder = `${root}python/falcon_exp/results/`;
  const sources = readdirSync(folder).filter((file) => file.endsWith(".py"));
  const raised = sources.flatMap((file) =>
    [...readFileSync(`${folder}${file}`, "utf8").matchAll(/ResultsError\(\s*"([a-z-]+)"/g)].map(
      ([, code]) => code as string,
    ),
  );
  expect(new Set(raised).size).toBeGreaterThan(5);
  expect(raised.filter((code) => findRow(code) === undefined)).toEqual([]);
});
