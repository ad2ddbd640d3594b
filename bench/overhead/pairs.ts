/** Measures pairs of generates, which run at the same time in alternating slices, and what the machine did meanwhile. */
import type { Slot } from "./order.js";
import { computeActiveSec, runInSlices, type Sliceable, type Sliced, type Work } from "./slices.js";

/** One generate of one side, as that side reports it. */
export interface Answer {
  /** Start and end of the generate alone, read by the process that generates, in seconds of CLOCK_MONOTONIC. */
  readonly startedSec: number;
  readonly endedSec: number;
  /** What was generated; it must be the same on both sides. */
  readonly text: string;
  /** Used by the process that generates, from the request to the answer. Null if the system does not tell. */
  readonly cpuSec: number | null;
  readonly minorFaults: number | null;
  readonly waitedSec: number | null;
  /** CPU time of the processes beside it: the supervisor, its forkserver, and the controller, which here is the bench. */
  readonly besideCpuSec: number | null;
}

export interface Turn extends Omit<Answer, "startedSec" | "endedSec"> {
  /** Time of the generate alone, without the time for which its side stood still. */
  readonly elapsedSec: number;
}

/** One of the two sides that are compared, with its model loaded. */
export interface Side extends Sliceable {
  readonly name: string;
  generate(prompt: string): Promise<Answer>;
}

export interface Pair extends Slot {
  readonly measured: Turn;
  readonly against: Turn;
  /** How many CPUs others kept busy during the pair. Null if the system does not tell. */
  readonly othersCpus: number | null;
  readonly isDisturbed: boolean;
}

export interface PairOptions {
  readonly measured: Side;
  readonly against: Side;
  readonly prompts: readonly string[];
  readonly schedule: readonly Slot[];
  /** How long one side generates before it is the other side's turn. */
  readonly sliceMs: number;
  /** Starts watching the machine. The returned function tells how many CPUs others have kept busy since then. */
  readonly watch: () => () => number | null;
  /** How many CPUs others may keep busy; a pair during which they use more is measured again. */
  readonly quietCpus: number;
  /** How many pairs may be measured again, over all slots together. */
  readonly mostAgain: number;
  readonly onPair?: (pair: Pair) => void;
}

/**
 * Measures pairs and returns all of them in the order of measurement, including disturbed ones. A slot whose pair was disturbed
 * is repeated after the others. Both sides rest on return. Throws if the sides do not generate the same.
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

/** ln(measured ÷ against) of the undisturbed pairs. */
export function listLogRatios(pairs: readonly Pair[]): number[] {
  return pairs
    .filter(({ isDisturbed }) => !isDisturbed)
    .map(({ measured, against }) => Math.log(measured.elapsedSec / against.elapsedSec));
}
