import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

/** A progress message of a set-up, for people. */
export interface SetupProgress {
  /** What is being made, e.g. "torch". */
  readonly step: string;
  /** What is happening in it, e.g. "downloading torch-2.13.0 (190 MB)". */
  readonly detail: string;
  /** From 1 to `count`. */
  readonly index: number;
  readonly count: number;
}

export type OnSetupProgress = (progress: SetupProgress) => void;

/** Environment variables as Node has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Every failure of a set-up ends the command with exit code `setupFailed`. */
export function setupError(options: {
  readonly code: `setup-${string}`;
  readonly message: string;
  readonly next: string;
  readonly cause?: unknown;
}): FalconError {
  return new FalconError({ ...options, exitCode: ExitCode.setupFailed });
}
