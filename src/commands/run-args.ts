import type { Transport } from "../worker/transport.js";
import type { RunArguments } from "./choose-run.js";

/** Of `falcon-exp run`. */
export interface RunArgs extends RunArguments {
  /** A lab's interpreter; an empty FALCON_EXP_PYTHON counts as none. */
  readonly python?: string;
  /** ipc where the platform has it. */
  readonly transport?: Transport;
  /** Conditions that this run is judged by, as `history --fail-on` has them. */
  readonly failOn: readonly string[];
  /** With `slice`: a frozen plan. */
  readonly plan?: string;
  readonly slice?: string;
  readonly into?: string;
  readonly attempts?: number;
  readonly executor?: "local" | "slurm";
  /** Whether a scheduler calls: never two at once, and what is missed is recorded. */
  readonly scheduled: boolean;
  /** Seconds. */
  readonly waitQuiet?: number;
  /** Called where `failOn` is broken. */
  readonly onRegression?: string;
  /** Of this machine, as `parseDevices` takes them. */
  readonly devices?: string;
  /** Address of another machine's worker, and its public key. */
  readonly worker?: string;
  readonly workerKey?: string;
  /** Print what would be submitted. */
  readonly dryRun: boolean;
  /** Submit, and do not wait. */
  readonly detach: boolean;
  readonly poll: number;
  readonly json: boolean;
}
