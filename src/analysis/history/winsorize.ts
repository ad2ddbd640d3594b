/** Pulls outliers in: a run on a busy machine lies far out, and must neither hide a change nor cause one. */
import { computeMedian } from "../../base/statistics.js";

/** How many robust standard deviations from the median a value may be before it is pulled in. */
const FARTHEST = 3;
/** Median absolute deviation → standard deviation, for normal noise. */
const MAD_TO_SD = 1.4826;

/** Returns the values in the same order, with those more than three robust standard deviations out pulled in to that distance. */
export function winsorized(values: readonly number[]): readonly number[] {
  const centre = computeMedian(values);
  if (centre === null) return values;
  const deviation = computeMedian(values.map((value) => Math.abs(value - centre))) ?? 0;
  // If most values are identical, any other value is a fact, not noise.
  if (deviation === 0) return values;
  // Few values understate their own spread (Croux and Rousseeuw, 1992).
  const few = values.length / (values.length - 0.8);
  const limit = FARTHEST * MAD_TO_SD * deviation * few;
  return values.map((value) => Math.min(centre + limit, Math.max(centre - limit, value)));
}
