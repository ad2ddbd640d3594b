/** Where greedy answers diverge from the reference's. */
import { computeMedian } from "../base/statistics.js";
import type { CompletedTrial } from "../run/record-types.js";
import type { AnswerDivergence } from "../run/summary-schema.js";

/** Null if the records have no token ids, which is the case in old ones. */
export function answerDivergence(
  pairs: readonly (readonly [own: CompletedTrial, reference: CompletedTrial])[],
): AnswerDivergence | null {
  const places: (number | null)[] = [];
  for (const [own, reference] of pairs) {
    const { output_ids: mine } = own.measurement;
    const { output_ids: theirs } = reference.measurement;
    if (mine === null || theirs === null) return null;
    places.push(firstDifference(mine, theirs));
  }
  const differing = places.filter((place) => place !== null);
  return {
    pairs: pairs.length,
    equal: places.length - differing.length,
    first_difference_median: computeMedian(differing),
    first_difference_min: differing.length === 0 ? null : Math.min(...differing),
  };
}

/**
 * 1-based position of the first token that differs; an answer that merely ends earlier differs right after its last token. Null
 * if both are the same.
 */
export function firstDifference(own: readonly number[], reference: readonly number[]): number | null {
  const longer = Math.max(own.length, reference.length);
  for (let index = 0; index < longer; index++) if (own[index] !== reference[index]) return index + 1;
  return null;
}
