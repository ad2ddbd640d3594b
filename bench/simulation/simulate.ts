/** Simulates runs: pairs of trials of two configurations whose true ratio is known. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RatioPair } from "../../src/analysis/paired-ratio.js";
import { findUncertainty } from "../../src/run/ratio-precision.js";

export interface SimulatedRun {
  readonly seed: number;
  readonly prompts: number;
  readonly rounds: number;
  /** Whether each prompt is measured in only one of the rounds. */
  readonly isShared?: boolean;
  /** The maximum; a further round follows if those before it are too few to know the ratio. */
  readonly furtherRounds?: number;
  /** How many pairs of the first round are left out, like disturbed ones. */
  readonly lost?: number;
  /** The true own ÷ reference. */
  readonly ratio: number;
  /** Standard deviation of the logarithm of a trial's time. */
  readonly noise: number;
  /** The same for each load as a whole: what the machine does in the meantime. */
  readonly drift: number;
}

/** Normal deviates by Box and Muller's method. */
export function makeNormal(seed: number): () => number {
  // Without this, neighbouring seeds would begin alike.
  const random = xoroshiro128plus(Math.imul(seed, 0x9e3779b1));
  for (let i = 0; i < 8; i++) random.next();
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
    return radius * Math.cos(2 * Math.PI * uniformFloat64(random));
  };
}

/** Simulates prompts of different lengths; each round loads both configurations anew. */
export function simulatePairs(run: SimulatedRun): RatioPair[] {
  const { seed, prompts, rounds, furtherRounds = 0, isShared = false, lost = 0, ratio, noise, drift } = run;
  const normal = makeNormal(seed);
  const measured: MeasuredPair[][] = [];
  for (let round = 0; round < rounds + furtherRounds; round++) {
    if (round >= rounds && !areTooFew(measured)) break;
    const [ofOwn, ofReference] = [drift * normal(), drift * normal()];
    const ofRound = Array.from({ length: prompts }, (_, prompt) => prompt).filter(
      (prompt) => !isShared || prompt % rounds === round % rounds,
    );
    const pairs = ofRound.map((prompt): MeasuredPair => {
      const base = 1 + prompt * 0.3;
      const own = ratio * Math.exp(ofOwn + noise * normal());
      const reference = Math.exp(ofReference + noise * normal());
      return { own: base * own, reference: base * reference, round, paces: [own, reference] };
    });
    measured.push(round === 0 ? pairs.slice(lost) : pairs);
  }
  return measured.flat();
}

type MeasuredPair = RatioPair & Required<Pick<RatioPair, "paces">>;

function areTooFew(loads: readonly (readonly MeasuredPair[])[]): boolean {
  const [own, reference] = ([0, 1] as const).map((side) =>
    loads.map((load) => load.map(({ paces }) => Math.log(paces[side]))),
  );
  return own !== undefined && reference !== undefined && findUncertainty(own, reference) !== null;
}
