/** Which trials of two configurations are compared with each other, and which load a pair belongs to. */

/** Where a trial belongs. */
export interface PlacedTrial {
  readonly prompt_index: number;
  readonly repeat: number;
  readonly round: number;
}

/** Pairs the trials of the same prompt and repeat in both configurations. */
export function pairTrials<T extends PlacedTrial>(
  own: readonly T[],
  reference: readonly T[],
): (readonly [own: T, reference: T])[] {
  const byKey = new Map(reference.map((trial) => [buildKey(trial), trial]));
  return own.flatMap((trial) => {
    const other = byKey.get(buildKey(trial));
    return other === undefined ? [] : [[trial, other] as const];
  });
}

/** The round of a pair. If one of the two was loaded only once, all pairs share that load. */
export function findRound([own, reference]: readonly [own: PlacedTrial, reference: PlacedTrial]): number {
  return Math.min(own.round, reference.round);
}

function buildKey({ prompt_index, repeat }: PlacedTrial): string {
  return `${prompt_index}/${repeat}`;
}
