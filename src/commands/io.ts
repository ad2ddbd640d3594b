import type { Clock } from "../base/clock.js";

/** Everything in the outside world that a command may touch; passed in, so that tests can own it. */
export interface CommandIo {
  /** Results for people or, with `--json`, one JSON document and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Progress, warnings, errors. */
  readonly stderr: NodeJS.WritableStream;
  /** Whether each stream is a terminal. */
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  /** Width in columns for tables and progress; 80 if it is unknown. */
  readonly columns: number;
  /** Whether to use colour; respects NO_COLOR, FORCE_COLOR and non-terminals. */
  readonly color: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program as the user calls it, which hints begin with. */
  readonly program: string;
  readonly cwd: string;
  readonly clock: Clock;
}
