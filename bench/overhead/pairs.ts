/** Pairs of generates, one of each side within seconds, and what the machine did meanwhile. */
import type { Slot } from "./order.js";

/** One generate of one side. */
export interface Turn {
  /** On that side's own clock, around the generate alone. */
  readonly elapsedSec: number;
  /** What was generated: both sides must say the same. */
  readonly text: string;
  /** Of the process that generates, from the request to the answer; null where the system does not tell. */
  readonly cpuSec: number | null;
  readonly minorFaults: number | null;
  readonly waitedSec: number | null;
  /** CPU time of what works beside it: the supervisor and its forkserver, and the controller, which here is the bench. */
  readonly besideCpuSec: number | null;
}

/** One of the two that are compared, with its model loaded. */
export interface Side {
  readonly name: string;
  /** Stands still and uses no CPU until `wake`. */
  rest(): void;
  wake(): Promise<void>;
  generate(prompt: string): Promise<Turn>;
}

export interface Pair extends Slot {
  readonly measured: Turn;
  readonly against: Turn;
  /** How many CPUs others kept busy during the pair; null where the system does not tell. */
  readonly othersCpus: number | null;
  readonly isDisturbed: boolean;
}

export interface PairOptions {
  readonly measured: Side;
  readonly against: Side;
  readonly prompts: readonly string[];
  readonly schedule: readonly Slot[];
  /** Begins to watch the machine; the function returned says how many CPUs others kept busy since. */
  readonly watch: () => () => number | null;
  /** Others may keep so many CPUs busy; a pair during which they take more is measured again. */
  readonly quietCpus: number;
  /** How many pairs may be measured again, all slots together. */
  readonly mostAgain: number;
  readonly onPair?: (pair: Pair) => void;
}

/**
 * All pairs in the order in which they were measured, disturbed ones included. A slot whose pair was disturbed comes again
 * after the others. Both sides rest on return. Throws where the sides do not generate the same.
 */
export async function measurePairs(options: PairOptions): Promise<Pair[]> {
  const { schedule, mostAgain, quietCpus, onPair } = options;
  const pairs: Pair[] = [];
  const waiting = [...schedule];
  let again = 0;
  for (let slot = waiting.shift(); slot !== undefined; slot = waiting.shift()) {
    const pair = await measurePair(slot, options, quietCpus);
    pairs.push(pair);
    onPair?.(pair);
    if (pair.isDisturbed && again < mostAgain) {
      again += 1;
      waiting.push(slot);
    }
  }
  return pairs;
}

async function measurePair(
  slot: Slot,
  { measured, against, prompts, watch }: PairOptions,
  quietCpus: number,
): Promise<Pair> {
  const prompt = prompts[slot.promptIndex];
  if (prompt === undefined) throw new RangeError(`there is no prompt ${slot.promptIndex}`);
  const read = watch();
  const first = await takeTurn(slot.measuredFirst ? measured : against, prompt);
  const second = await takeTurn(slot.measuredFirst ? against : measured, prompt);
  const othersCpus = read();
  const [ofMeasured, ofAgainst] = slot.measuredFirst ? [first, second] : [second, first];
  if (ofMeasured.text !== ofAgainst.text) {
    const texts = `${JSON.stringify(ofMeasured.text)} and ${JSON.stringify(ofAgainst.text)}`;
    throw new Error(`${measured.name} and ${against.name} do not do the same work: ${texts}`);
  }
  const isDisturbed = othersCpus !== null && othersCpus > quietCpus;
  return { ...slot, measured: ofMeasured, against: ofAgainst, othersCpus, isDisturbed };
}

async function takeTurn(side: Side, prompt: string): Promise<Turn> {
  await side.wake();
  try {
    return await side.generate(prompt);
  } finally {
    side.rest();
  }
}

/** ln(measured ÷ against) of the pairs that nobody disturbed. */
export function listLogRatios(pairs: readonly Pair[]): number[] {
  return pairs
    .filter(({ isDisturbed }) => !isDisturbed)
    .map(({ measured, against }) => Math.log(measured.elapsedSec / against.elapsedSec));
}
