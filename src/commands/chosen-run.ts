import type { EarlierWork } from "../executor/executor.js";
import type { Plan } from "../plan/plan-types.js";
import type { EarlierRecords } from "../run/newest-first.js";
import type { RunPaths } from "../run/paths.js";
import type { RunEndRecord } from "../run/record-types.js";
import type { RunFolder } from "../run/run-folder.js";

/** What `measure` measures: a new run, one that is resumed, or a task of one. */
export interface ChosenRun {
  readonly plan: Plan;
  /** Opens the run's folder. A new run's folder is made once all else is ready, so that a failed set-up leaves none. */
  readonly open: () => Promise<RunFolder>;
  /** Releases the folder if it was opened. */
  readonly close: () => Promise<void>;
  readonly earlier?: EarlierWork;
  readonly reuse?: EarlierRecords;
  /** How the run ended, if nothing of it is left to do. */
  readonly over?: RunEndRecord["status"];
  /** The whole run, if `open` opens only the folder of one of its tasks. */
  readonly run?: RunPaths;
}
