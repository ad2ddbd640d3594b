/** Whether a second load is worth what it costs. */

/** What is measured with one more load at most, as a share of the time that the configuration's own trials take. */
const MOST_LOAD_SHARE = 1;

export interface LoadCost {
  /** From the request to load until the model is there, its download apart. */
  readonly loadSec: number;
  readonly warmups: number;
  /** Of them, what was spent on compiling. */
  readonly compileSec: number;
  /** Of one generation, in which nothing is compiled. */
  readonly trialSec: number;
  /** Trials of the configuration, in all rounds together. */
  readonly trialsEach: number;
}

/** A load and its warm-ups take longer than all the trials: a second one would buy too little. */
export function isLoadDear({ loadSec, warmups, compileSec, trialSec, trialsEach }: LoadCost): boolean {
  return loadSec + compileSec + warmups * trialSec > MOST_LOAD_SHARE * trialsEach * trialSec;
}
