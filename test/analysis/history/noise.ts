/** Noise for simulations; the same seed gives the same series. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export interface Noise {
  /** Standard normal. */
  readonly normal: () => number;
  /** Normal, but one value in twelve deviates six times as far, as on a machine that is busy now and then. */
  readonly heavy: () => number;
}

export function noise(seed: number): Noise {
  const random = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(random);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const heavy = () => (uniform() < 1 / 12 ? 6 : 1) * normal();
  return { normal, heavy };
}

/** Returns `length` values around 20, with `relative` as one standard deviation; from `stepAt` on, times `step`. */
export function makeRuns(
  draw: () => number,
  options: {
    readonly length: number;
    readonly relative?: number;
    readonly stepAt?: number;
    readonly step?: number;
  },
): number[] {
  const { length, relative = 0.01, stepAt = length, step = 1 } = options;
  return Array.from({ length }, (_, i) => 20 * Math.exp(relative * draw()) * (i >= stepAt ? step : 1));
}
