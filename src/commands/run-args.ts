import type { Transport } from "../worker/transport.js";
import type { RunArguments } from "./choose-run.js";

/** Arguments of `falcon-exp run`. */
export interface RunArgs extends RunArguments {
  /** A lab's own interpreter; an empty FALCON_EXP_PYTHON counts as none. */
  readonly python?: string;
  /** If left out, ipc wherever the platform has it. */
  readonly transport?: Transport;
  /** Conditions that this run is judged by, written as for `history --fail-on`. */
  readonly failOn: readonly string[];
  /** With `slice`: a frozen plan. */
  readonly plan?: string;
  readonly slice?: string;
  readonly into?: string;
  readonly attempts?: number;
  readonly executor?: "local" | "slurm";
  /** Whether a scheduler starts the run: there are never two at once, and a missed run is recorded. */
  readonly scheduled: boolean;
  /** Seconds. */
  readonly waitQuiet?: number;
  /** A program to call if a condition of `failOn` is broken. */
  readonly onRegression?: string;
  /** Devices of this machine, written as `parseDevices` takes them. */
  readonly devices?: string;
  /** Address of another machine's worker, and its public key. */
  readonly worker?: string;
  readonly workerKey?: string;
  /** Only print what would be submitted. */
  readonly dryRun: boolean;
  /** Submit, and do not wait. */
  readonly detach: boolean;
  readonly poll: number;
  readonly json: boolean;
}
