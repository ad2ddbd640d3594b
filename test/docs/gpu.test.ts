import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { testNames } from "../../scripts/fault-matrix.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(root, "docs/gpu.md"), "utf8");

/** Each ``` `file`: name ``` in the last column of a numbered row. */
const named = page
  .split("\n")
  .filter((line) => /^\| \d+ \|/.test(line))
  .flatMap((line) => (line.split("|").at(-2) ?? "").trim().split("<br>"))
  .map((text) => /^`([^`]+)`: (.+)$/.exec(text.trim())?.slice(1, 3) ?? [text, ""]);

test("every test that docs/gpu.md names exists", () => {
  expect(named.length).toBeGreaterThan(30);
  const missing = named.filter(([file = "", name = ""]) => {
    const path = join(root, file);
    if (!existsSync(path)) return true;
    return !testNames(file, readFileSync(path, "utf8")).some((one) => one.name === name);
  });
  expect(missing).toEqual([]);
});

test("every command that docs/gpu.md shows is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  const shown = Array.from(page.matchAll(/npm run ([\w:-]+)/g), ([, name = ""]) => name);
  expect(new Set(shown)).toEqual(new Set(["check:gpu", "bench:gpu", "gpu-kit"]));
  expect(shown.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});
