/** Measures pairs of generates, which run at the same time in alternating slices, and what the machine did meanwhile. */
import type { Slot } from "./order.js";
import { computeActiveSec, runInSlices, type Sliceable, type Sliced, type Work } from "./slices.js";

/** Generates the same on both sides; `slot` says which one goes first. */
export type RunPair = (
  slot: Slot,
  prompt: string,
) => Promise<{ readonly measured: Turn; readonly against: Turn }>;

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
  readonly run: RunPair;
  readonly prompts: readonly string[];
  readonly schedule: readonly Slot[];
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
 * is repeated after the others. Throws if the sides do not generate the same.
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
  { run, prompts, watch }: PairOptions,
  quietCpus: number,
): Promise<Pair> {
  const prompt = prompts[slot.promptIndex];
  if (prompt === undefined) throw new RangeError(`there is no prompt ${slot.promptIndex}`);
  const read = watch();
  const { measured, against } = await run(slot, prompt);
  const othersCpus = read();
  if (measured.text !== against.text) {
    const texts = `${JSON.stringify(measured.text)} and ${JSON.stringify(against.text)}`;
    throw new Error(`the two sides do not do the same work: ${texts}`);
  }
  const isDisturbed = othersCpus !== null && othersCpus > quietCpus;
  return { ...slot, measured, against, othersCpus, isDisturbed };
}

/** Both sides generate at the same time, each for `sliceMs` before it is the other's turn. Both rest afterwards. */
export function runSliced(measured: Side, against: Side, sliceMs: number): RunPair {
  return async (slot, prompt) => {
    const [one, other] = [measured, against].map((side) => ({
      rest: () => side.rest(),
      wake: () => side.wake(),
      start: () => side.generate(prompt),
    })) as [Work<Answer>, Work<Answer>];
    const turns = slot.measuredFirst
      ? await runInSlices(one, other, sliceMs)
      : (await runInSlices(other, one, sliceMs)).reverse();
    const [ofMeasured, ofAgainst] = turns.map(makeTurn) as [Turn, Turn];
    return { measured: ofMeasured, against: ofAgainst };
  };
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
