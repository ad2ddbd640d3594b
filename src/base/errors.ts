/**
 * The base class of all of falcon-exp's own errors.
 *
 * A `FalconError` is something a person can act on: it prints as a message, never as a stack.
 * Anything else that reaches the top-level catch is a bug and prints its stack.
 */

/** Where an error was found: a place in a file, or a named source such as `--set`. */
export interface SourcePlace {
  readonly source: string;
  /** 1-based; null if the source has no lines. */
  readonly line: number | null;
  /** 1-based; null if the source has no columns. */
  readonly column: number | null;
  /** The offending line as written, for the caret display; null if there is none. */
  readonly text: string | null;
  /** Number of characters to underline from `column`; at least 1. */
  readonly length: number;
}

export interface FalconErrorOptions {
  /** Stable, kebab-case; documented in docs/errors.md. */
  readonly code: string;
  /** What went wrong, as one sentence. */
  readonly message: string;
  /** The one next step. */
  readonly next?: string;
  readonly place?: SourcePlace;
  /** Label of the configuration concerned. */
  readonly configuration?: string;
  /** Process exit code, one of `ExitCode`. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** A failure that the user can act on. */
export class FalconError extends Error {
  readonly code: string;
  readonly next: string | null;
  readonly place: SourcePlace | null;
  readonly configuration: string | null;
  readonly exitCode: number | null;

  constructor(options: FalconErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FalconError";
    this.code = options.code;
    this.next = options.next ?? null;
    this.place = options.place ?? null;
    this.configuration = options.configuration ?? null;
    this.exitCode = options.exitCode ?? null;
  }
}

/** Several user errors found in one pass (a YAML file with three wrong keys reports all three). */
export class FalconErrorList extends FalconError {
  readonly errors: readonly FalconError[];

  constructor(errors: readonly FalconError[]) {
    const first = errors[0];
    if (first === undefined) throw new TypeError("FalconErrorList needs at least one error");
    super({
      code: first.code,
      message: first.message,
      ...(first.exitCode === null ? {} : { exitCode: first.exitCode }),
    });
    this.name = "FalconErrorList";
    this.errors = errors;
  }
}
