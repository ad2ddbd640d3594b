import type { EarlierWork } from "../executor/executor.js";
import type { Plan } from "../plan/plan-types.js";
import type { EarlierRecords } from "../run/newest-first.js";
import type { RunPaths } from "../run/paths.js";
import type { RunEndRecord } from "../run/record-types.js";
import type { RunFolder } from "../run/run-folder.js";

/** What `measure` measures: a new run, one that is resumed, or a task of one. */
export interface ChosenRun {
  readonly plan: Plan;
  /** A new run's folder is made when all else is ready: a run that could not be set up leaves none. */
  readonly open: () => Promise<RunFolder>;
  /** Gives the folder back, if it was opened. */
  readonly close: () => Promise<void>;
  readonly earlier?: EarlierWork;
  readonly reuse?: EarlierRecords;
  /** How the run ended, where nothing of it is left to do. */
  readonly over?: RunEndRecord["status"];
  /** The run, where what is opened is the folder of one of its tasks. */
  readonly run?: RunPaths;
}
