/** A series of values drawn in one line of a terminal. */
import { computeMedian } from "../../base/statistics.js";

const BLOCKS = "▁▂▃▄▅▆▇█";
const ASCII = "_.,-=+*#";

/**
 * One character per value, or per median of several values if there are more than `width`; the lowest value gets the lowest
 * bar. `×` if no run of that stretch measured anything.
 */
export function sparkline(
  values: readonly (number | null)[],
  options: { readonly width: number; readonly blocks: boolean },
): string {
  const columns = Math.min(options.width, values.length);
  const medians = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    return computeMedian(values.slice(from, to).filter((value) => value !== null));
  });
  const known = medians.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const bars = options.blocks ? BLOCKS : ASCII;
  return medians
    .map((value) => {
      if (value === null) return options.blocks ? "×" : "x";
      const share = high > low ? (value - low) / (high - low) : 0.5;
      return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))] ?? "";
    })
    .join("");
}
