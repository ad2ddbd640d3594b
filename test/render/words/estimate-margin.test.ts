import { expect, test } from "vitest";
import { describeMargin } from "../../../src/render/words/estimate-margin.js";

test("a margin is told by how far the measured value may be below and above the estimate", () => {
  expect(describeMargin({ low: 0.98, high: 1.84, configurations: 2 })).toBe("−2 to +84 %");
});
