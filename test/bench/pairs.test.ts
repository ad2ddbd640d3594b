import { describe, expect, it } from "vitest";
import type { Slot } from "../../bench/overhead/order.js";
import { listLogRatios, measurePairs, type Pair, type Side } from "../../bench/overhead/pairs.js";

/** A side that notes what is done with it, and takes `elapsedSec` for every prompt. */
class FakeSide implements Side {
  constructor(
    readonly name: string,
    private readonly elapsedSec: number,
    private readonly events: string[],
    private readonly text = "the answer",
  ) {}

  rest(): void {
    this.events.push(`${this.name} rests`);
  }

  async wake(): Promise<void> {
    this.events.push(`${this.name} wakes`);
  }

  async generate(prompt: string) {
    this.events.push(`${this.name}: ${prompt}`);
    const { elapsedSec, text } = this;
    return { elapsedSec, text, cpuSec: null, minorFaults: null, waitedSec: null, besideCpuSec: null };
  }
}

function slot(promptIndex: number, measuredFirst: boolean): Slot {
  return { promptIndex, measuredFirst };
}

interface Asked {
  readonly schedule: readonly Slot[];
  /** What the watch says of each pair in turn; quiet when used up. */
  readonly othersCpus?: readonly (number | null)[];
  readonly mostAgain?: number;
  readonly againstText?: string;
}

async function measured(asked: Asked): Promise<{ pairs: Pair[]; events: string[] }> {
  const events: string[] = [];
  const told = [...(asked.othersCpus ?? [])];
  const pairs = await measurePairs({
    measured: new FakeSide("product", 1.1, events),
    against: new FakeSide("plain", 1, events, asked.againstText),
    prompts: ["p0", "p1", "p2"],
    schedule: asked.schedule,
    watch: () => () => told.shift() ?? 0,
    quietCpus: 0.05,
    mostAgain: asked.mostAgain ?? 10,
  });
  return { pairs, events };
}

describe("measurePairs", () => {
  it("wakes one side at a time, in the order that the slot asks for", async () => {
    const { events } = await measured({ schedule: [slot(0, true), slot(2, false)] });
    expect(events).toEqual([
      ...["product wakes", "product: p0", "product rests", "plain wakes", "plain: p0", "plain rests"],
      ...["plain wakes", "plain: p2", "plain rests", "product wakes", "product: p2", "product rests"],
    ]);
  });

  it("keeps each side's time whoever goes first", async () => {
    const { pairs } = await measured({ schedule: [slot(0, true), slot(1, false)] });
    expect(pairs.map(({ measured: one, against }) => one.elapsedSec / against.elapsedSec)).toEqual([
      1.1, 1.1,
    ]);
  });

  it("marks a pair during which others used the machine, and measures its slot again at the end", async () => {
    const { pairs } = await measured({
      schedule: [slot(0, true), slot(1, false)],
      othersCpus: [0.4, 0.05, 0],
    });
    expect(pairs.map(({ promptIndex, isDisturbed }) => ({ promptIndex, isDisturbed }))).toEqual([
      { promptIndex: 0, isDisturbed: true },
      { promptIndex: 1, isDisturbed: false },
      { promptIndex: 0, isDisturbed: false },
    ]);
    expect(pairs[2]?.measuredFirst).toBe(true);
    expect(listLogRatios(pairs)).toEqual([Math.log(1.1), Math.log(1.1)]);
  });

  it("gives up on a machine that does not come to rest", async () => {
    const { pairs } = await measured({
      schedule: [slot(0, true), slot(1, false)],
      othersCpus: Array.from({ length: 20 }, () => 1),
      mostAgain: 3,
    });
    expect(pairs).toHaveLength(5);
    expect(listLogRatios(pairs)).toEqual([]);
  });

  it("takes a machine that does not tell what others do as it is", async () => {
    const { pairs } = await measured({ schedule: [slot(0, true)], othersCpus: [null] });
    expect(pairs).toHaveLength(1);
  });

  it("refuses sides that do not generate the same", async () => {
    await expect(measured({ schedule: [slot(0, true)], againstText: "another" })).rejects.toThrow(
      /product and plain do not do the same work/,
    );
  });
});
