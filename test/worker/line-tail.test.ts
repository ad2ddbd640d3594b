import { expect, test } from "vitest";
import { LineTail } from "../../src/worker/line-tail.js";

function tailOf(text: string, keep = 3): LineTail {
  const tail = new LineTail(keep);
  tail.push(Buffer.from(text));
  return tail;
}

test("the last lines are kept, the unfinished one included, and all are counted", () => {
  const tail = tailOf("1\n2\n\n3\n4\n5");
  expect(tail.last()).toEqual(["3", "4", "5"]);
  expect(tail.count).toBe(4);
});

test("lines before a mark are left out, however many were dropped since", () => {
  const tail = tailOf("1\n2\n3\n4\n");
  const mark = tail.count;
  expect(tail.last(mark)).toEqual([]);
  tail.push(Buffer.from("5\n"));
  expect(tail.last(mark)).toEqual(["5"]);
  tail.push(Buffer.from("6\n7\n8\n9\n"));
  expect(tail.last(mark)).toEqual(["7", "8", "9"]);
});
