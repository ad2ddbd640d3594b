/** Decides whether a second load is worth its cost. */

/** The most that another load may cost, as a share of the time that all trials of the configuration take. */
const MOST_LOAD_SHARE = 1;

export interface LoadCost {
  /** From the load request until the model is loaded, without the time for its download. */
  readonly loadSec: number;
  readonly warmups: number;
  /** The part of the warm-ups' time that was spent on compiling. */
  readonly compileSec: number;
  /** Time of one generation, without compiling. */
  readonly trialSec: number;
  /** Number of the configuration's trials, in all rounds together. */
  readonly trialsEach: number;
}

/** Whether a load and its warm-ups take longer than all the trials, so that a second load would gain too little. */
export function isLoadDear({ loadSec, warmups, compileSec, trialSec, trialsEach }: LoadCost): boolean {
  return loadSec + compileSec + warmups * trialSec > MOST_LOAD_SHARE * trialsEach * trialSec;
}
