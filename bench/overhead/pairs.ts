/** Pairs of generates, both at once in slices of time, and what the machine did meanwhile. */
import type { Slot } from "./order.js";
import { computeActiveSec, runInSlices, type Sliceable, type Sliced, type Work } from "./slices.js";

/** One generate of one side, as that side tells it. */
export interface Answer {
  /** Around the generate alone, read by the process that generates, in seconds of CLOCK_MONOTONIC. */
  readonly startedSec: number;
  readonly endedSec: number;
  /** What was generated: both sides must say the same. */
  readonly text: string;
  /** Of the process that generates, from the request to the answer; null where the system does not tell. */
  readonly cpuSec: number | null;
  readonly minorFaults: number | null;
  readonly waitedSec: number | null;
  /** CPU time of what works beside it: the supervisor and its forkserver, and the controller, which here is the bench. */
  readonly besideCpuSec: number | null;
}

export interface Turn extends Omit<Answer, "startedSec" | "endedSec"> {
  /** Of the generate alone, less the time for which its side stood still. */
  readonly elapsedSec: number;
}

/** One of the two that are compared, with its model loaded. */
export interface Side extends Sliceable {
  readonly name: string;
  generate(prompt: string): Promise<Answer>;
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
  /** How long one side generates before it is the other's turn. */
  readonly sliceMs: number;
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
  { measured, against, prompts, sliceMs, watch }: PairOptions,
  quietCpus: number,
): Promise<Pair> {
  const prompt = prompts[slot.promptIndex];
  if (prompt === undefined) throw new RangeError(`there is no prompt ${slot.promptIndex}`);
  const read = watch();
  const [one, other] = [measured, against].map((side) => ({
    rest: () => side.rest(),
    wake: () => side.wake(),
    start: () => side.generate(prompt),
  })) as [Work<Answer>, Work<Answer>];
  const turns = slot.measuredFirst
    ? await runInSlices(one, other, sliceMs)
    : (await runInSlices(other, one, sliceMs)).reverse();
  const othersCpus = read();
  const [ofMeasured, ofAgainst] = turns.map(makeTurn) as [Turn, Turn];
  if (ofMeasured.text !== ofAgainst.text) {
    const texts = `${JSON.stringify(ofMeasured.text)} and ${JSON.stringify(ofAgainst.text)}`;
    throw new Error(`${measured.name} and ${against.name} do not do the same work: ${texts}`);
  }
  const isDisturbed = othersCpus !== null && othersCpus > quietCpus;
  return { ...slot, measured: ofMeasured, against: ofAgainst, othersCpus, isDisturbed };
}

function makeTurn({ result, windows }: Sliced<Answer>): Turn {
  const { startedSec, endedSec, ...told } = result;
  return { ...told, elapsedSec: computeActiveSec(windows, startedSec, endedSec) };
}

/** ln(measured ÷ against) of the pairs that nobody disturbed. */
export function listLogRatios(pairs: readonly Pair[]): number[] {
  return pairs
    .filter(({ isDisturbed }) => !isDisturbed)
    .map(({ measured, against }) => Math.log(measured.elapsedSec / against.elapsedSec));
}
