import { formatSeconds } from "../../base/units.js";

/** How a configuration's weights came into memory: `loaded in 3.4 s`. */
export function howLoaded(loadSec: number | null): string {
  return loadSec === null ? "weights drawn at random" : `loaded in ${formatSeconds(loadSec)}`;
}
