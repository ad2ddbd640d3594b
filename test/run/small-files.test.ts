import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { SmallFiles } from "../../src/run/small-files.js";
import { scratchFolder } from "../fixtures/run-folder.js";

vi.mock("node:fs", { spy: true });

/** Makes a reader with a clock on which every timed read takes `secEach` seconds. */
function filesOn(secEach: number): SmallFiles {
  let now = 0;
  let asked = 0;
  return new SmallFiles({
    monotonicSec: () => {
      asked += 1;
      if (asked % 2 === 0) now += secEach;
      return now;
    },
  });
}

function file(content: string | Uint8Array): string {
  const path = join(scratchFolder(), "file");
  writeFileSync(path, content);
  return path;
}

describe.each([
  ["near", 0.000_1],
  ["far", 0.02],
])("on a disk that is %s", (_, secEach) => {
  test("the start, the end and the whole of any file are what stands there", async () => {
    const files = filesOn(secEach);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 400 }),
        async (bytes, most) => {
          const path = file(bytes);
          expect([...(await files.part(path, "start", most))]).toEqual([...bytes.slice(0, most)]);
          expect([...(await files.part(path, "end", most))]).toEqual([...bytes.slice(-most)]);
          expect(await files.text(path)).toBe(Buffer.from(bytes).toString("utf8"));
        },
      ),
      { numRuns: 30 },
    );
  });

  test("a missing file is an error with its code, however many there were before", async () => {
    const files = filesOn(secEach);
    const path = file("there");
    for (let i = 0; i < 40; i++) expect(await files.text(path)).toBe("there");
    await expect(files.text(`${path}-none`)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(files.part(`${path}-none`, "end", 10)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test.each([
  ["near, every file is read at once", 0.000_1, 100],
  ["far, only the first are: their delays would add up", 0.02, 16],
])("where the disk is %s", async (_, secEach, readAtOnce) => {
  const { readFileSync } = await import("node:fs");
  const files = filesOn(secEach);
  const path = file("there");
  vi.mocked(readFileSync).mockClear();
  for (let i = 0; i < 100; i++) await files.text(path);
  expect(vi.mocked(readFileSync)).toHaveBeenCalledTimes(readAtOnce);
});

test("others have their turn while many files are read", async () => {
  const files = filesOn(0.000_1);
  const path = file("there");
  let turns = 0;
  const turn = () => {
    turns += 1;
    timer = setImmediate(turn);
  };
  let timer = setImmediate(turn);
  for (let i = 0; i < 640; i++) await files.text(path);
  clearImmediate(timer);
  expect(turns).toBeGreaterThanOrEqual(9);
});
