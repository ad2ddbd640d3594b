import { expect, test } from "vitest";
import { parseBytes } from "../../src/base/units.js";

test.each([
  ["24GB", 24e9],
  ["24 GiB", 24 * 2 ** 30],
  ["80e9", 80e9],
  ["1.5gb", 1.5e9],
  ["512MiB", 512 * 2 ** 20],
])("%s is an amount of memory", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each(["", "GB", "-1GB", "24 gigabytes", "0", "1e999", "24GB24GB"])("%j is none", (text) => {
  expect(parseBytes(text)).toBeNull();
});
