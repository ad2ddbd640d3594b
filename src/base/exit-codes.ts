/** Process exit codes, documented in docs/exit-codes.md. Distinct, so that a scheduler can tell them apart. */
export const ExitCode = {
  /** Everything asked for was done. */
  ok: 0,
  /** A defect of falcon-exp itself; a stack is printed. */
  bug: 1,
  /** The command line is wrong: unknown command, unknown option, missing argument. */
  usage: 2,
  /** The experiment file (or a file that it names) is wrong. */
  invalidExperiment: 3,
  /** The run finished; at least one configuration or trial failed, at least one trial completed. */
  partlyFailed: 4,
  /** The run finished; no trial completed. */
  allFailed: 5,
  /** The Python environment or the embedded model could not be prepared. */
  setupFailed: 6,
  /** Results could not be read or written. */
  resultsFailed: 7,
  /** `fit`: none of the quantizations asked about fits. */
  nothingFits: 8,
  /** `run --fail-on`, `history --fail-on`: the newest run is worse than allowed, beyond noise. */
  regression: 9,
  /** `run --scheduled`: another run is in progress, or the machine is not quiet; nothing was measured. */
  missed: 10,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
  /** Stopped by SIGTERM, which schedulers send. */
  terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
