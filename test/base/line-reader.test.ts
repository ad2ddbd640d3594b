import fc from "fast-check";
import { expect, test } from "vitest";
import { LineReader } from "../../src/base/line-reader.js";

test("lines are the same however the file comes in pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "é", "\n", "{}")), fc.array(fc.nat(5)), (parts, cuts) => {
      const content = Buffer.from(parts.join(""));
      const read: [string, number, boolean][] = [];
      const reader = new LineReader((bytes, line, isEnded) => void read.push([String(bytes), line, isEnded]));
      let start = 0;
      for (const cut of [...cuts, content.length]) {
        reader.push(content.subarray(start, start + cut));
        start += cut;
      }
      reader.end();
      const lines = content.toString().split("\n");
      const rest = lines.pop() ?? "";
      expect(read).toEqual([
        ...lines.map((line, index) => [line, index + 1, true]),
        ...(rest === "" ? [] : [[rest, lines.length + 1, false]]),
      ]);
    }),
  );
});
