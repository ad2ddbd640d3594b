import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.js";
import type { Log, LogLevel } from "../base/log.js";
import { writeFailed } from "./writer.js";

/** Copies an error's text, which is in properties that JSON leaves out. */
function withErrors(_key: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    return { ...value, name, message, stack, ...(cause === undefined ? {} : { cause }) };
  }
  return typeof value === "bigint" ? value.toString() : value;
}

/**
 * `log.jsonl`: one JSON object per line, written at once (a kill loses nothing) but not synced (a power cut may lose lines). A
 * log that cannot be written never stops a run: the first cause is kept in `failure`.
 */
export class FileLog implements Log {
  failure: Error | null = null;
  #descriptor: number | null;

  private constructor(
    descriptor: number,
    private readonly clock: Clock,
  ) {
    this.#descriptor = descriptor;
  }

  /** Creates the folder and the file, or opens an existing file at its end. Throws `results-write-failed`. */
  static open(path: string, clock: Clock): FileLog {
    try {
      mkdirSync(dirname(path), { recursive: true });
      return new FileLog(openSync(path, "a"), clock);
    } catch (cause) {
      throw writeFailed(path, cause);
    }
  }

  write(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#descriptor === null) return;
    const commonFields = { at: this.clock.now().toISOString(), level, event };
    try {
      writeSync(
        this.#descriptor,
        `${JSON.stringify({ ...commonFields, ...fields, ...commonFields }, withErrors)}\n`,
      );
    } catch (cause) {
      this.failure ??= cause instanceof Error ? cause : new Error(String(cause));
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
