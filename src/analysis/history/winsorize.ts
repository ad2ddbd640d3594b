/** A run on a busy machine lies far out; it must neither hide a change nor make one. */
import { computeMedian } from "../../base/statistics.js";

/** Robust standard deviations from the median from which a value is pulled in. */
const FARTHEST = 3;
/** Median absolute deviation → standard deviation, for normal noise. */
const MAD_TO_SD = 1.4826;

/** The values, those farther out than three robust standard deviations pulled in to there; the order stays. */
export function winsorized(values: readonly number[]): readonly number[] {
  const centre = computeMedian(values);
  if (centre === null) return values;
  const deviation = computeMedian(values.map((value) => Math.abs(value - centre))) ?? 0;
  // Where most values are the very same every other one is a fact, not noise.
  if (deviation === 0) return values;
  // Few values understate their own spread (Croux and Rousseeuw, 1992).
  const few = values.length / (values.length - 0.8);
  const limit = FARTHEST * MAD_TO_SD * deviation * few;
  return values.map((value) => Math.min(centre + limit, Math.max(centre - limit, value)));
}
