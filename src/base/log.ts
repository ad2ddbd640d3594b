/** Structured log, passed in. The run writes it to `log.jsonl`; without a run it goes nowhere. */
export type LogLevel = "debug" | "info" | "warning" | "error";

export interface Log {
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentLog: Log = { write: () => {} };
