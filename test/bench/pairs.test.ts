import { describe, expect, it } from "vitest";
import type { Slot } from "../../bench/overhead/order.js";
import { listLogRatios, measurePairs, type Pair, runSliced, type Side } from "../../bench/overhead/pairs.js";

/** A side that notes in `events` what is done with it, needs `slices` slices per prompt, and reports as many CPU seconds. */
class FakeSide implements Side {
  private left = 0;
  private finish = () => {};

  constructor(
    readonly name: string,
    private readonly slices: number,
    private readonly events: string[],
    private readonly text = "the answer",
  ) {}

  rest(): void {
    this.events.push(`${this.name} rests`);
  }

  wake(): void {
    this.events.push(`${this.name} wakes`);
    if (--this.left === 0) this.finish();
  }

  async generate(prompt: string) {
    this.events.push(`${this.name}: ${prompt}`);
    this.left = this.slices;
    await new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    const { text, slices } = this;
    const times = { startedSec: Number.NEGATIVE_INFINITY, endedSec: Number.POSITIVE_INFINITY };
    return { ...times, text, cpuSec: slices, minorFaults: null, waitedSec: null, besideCpuSec: null };
  }
}

function slot(promptIndex: number, measuredFirst: boolean): Slot {
  return { promptIndex, measuredFirst };
}

interface Asked {
  readonly schedule: readonly Slot[];
  /** What the watch reports for each pair in turn; 0 once these are used up. */
  readonly othersCpus?: readonly (number | null)[];
  readonly mostAgain?: number;
  readonly againstText?: string;
}

async function measured(asked: Asked): Promise<{ pairs: Pair[]; events: string[] }> {
  const events: string[] = [];
  const told = [...(asked.othersCpus ?? [])];
  const pairs = await measurePairs({
    run: runSliced(
      new FakeSide("product", 2, events),
      new FakeSide("plain", 1, events, asked.againstText),
      1,
    ),
    prompts: ["p0", "p1", "p2"],
    schedule: asked.schedule,
    watch: () => () => told.shift() ?? 0,
    quietCpus: 0.05,
    mostAgain: asked.mostAgain ?? 10,
  });
  return { pairs, events };
}

describe("measurePairs", () => {
  it("wakes one side at a time, slice by slice, in the order that the slot asks for", async () => {
    const { events } = await measured({ schedule: [slot(0, true), slot(2, false)] });
    expect(events).toEqual([
      ...["product: p0", "plain: p0"],
      ...["product wakes", "product rests", "plain wakes", "plain rests", "product wakes", "product rests"],
      ...["plain: p2", "product: p2"],
      ...["plain wakes", "plain rests", "product wakes", "product rests", "product wakes", "product rests"],
    ]);
  });

  it("keeps what each side tells whoever goes first", async () => {
    const { pairs } = await measured({ schedule: [slot(0, true), slot(1, false)] });
    expect(pairs.map((pair) => [pair.measured.cpuSec, pair.against.cpuSec])).toEqual([
      [2, 1],
      [2, 1],
    ]);
    for (const turn of pairs.flatMap((pair) => [pair.measured, pair.against])) {
      expect(turn.elapsedSec).toBeGreaterThan(0);
    }
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
    expect(listLogRatios(pairs)).toEqual(
      pairs.slice(1).map((pair) => Math.log(pair.measured.elapsedSec / pair.against.elapsedSec)),
    );
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
      /the two sides do not do the same work/,
    );
  });
});
