import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSchedule } from "../../bench/overhead/order.js";

const options = fc.record({
  pairs: fc.integer({ min: 0, max: 40 }),
  prompts: fc.integer({ min: 1, max: 7 }),
  firstPrompt: fc.nat(20),
  seed: fc.nat(),
});

describe("makeSchedule", () => {
  it("is the same again for the same seed", () => {
    fc.assert(
      fc.property(options, (one) => {
        expect(makeSchedule(one)).toEqual(makeSchedule({ ...one }));
      }),
    );
  });

  it("lets each side go first once in every two pairs", () => {
    fc.assert(
      fc.property(options, (one) => {
        const slots = makeSchedule(one);
        expect(slots).toHaveLength(one.pairs);
        for (let at = 0; at + 1 < slots.length; at += 2) {
          expect(slots[at]?.measuredFirst).toBe(!slots[at + 1]?.measuredFirst);
        }
      }),
    );
  });

  it("asks the prompts one after the other from the first one on", () => {
    const slots = makeSchedule({ pairs: 6, prompts: 5, firstPrompt: 8, seed: 1 });
    expect(slots.map(({ promptIndex }) => promptIndex)).toEqual([3, 4, 0, 1, 2, 3]);
  });

  it("takes both orders for a group's first pair, with different seeds", () => {
    const firsts = Array.from({ length: 20 }, (_, seed) =>
      makeSchedule({ pairs: 1, prompts: 1, firstPrompt: 0, seed }).map(({ measuredFirst }) => measuredFirst),
    );
    expect(new Set(firsts.flat())).toEqual(new Set([true, false]));
  });
});
