import type { Log } from "../base/log.js";
import { type Redact, redactStrings } from "../base/secrets.js";
import type { RunContext } from "./executor.js";

/** The parts of records and events that machines and libraries wrote. Questions and answers are left unchanged. */
const FOREIGN_PARTS = ["failure", "notices", "environment", "controller", "reason"] as const;

/** Returns the same context, with secrets removed from everything that is recorded, logged and shown. */
export function withoutSecrets(context: RunContext, redact: Redact): RunContext {
  const cleaned = <T extends object>(value: T): T => {
    const parts = FOREIGN_PARTS.filter((part) => part in value);
    const entries = parts.map((part) => [
      part,
      redactStrings((value as Record<string, unknown>)[part], redact),
    ]);
    return { ...value, ...Object.fromEntries(entries) };
  };
  return {
    ...context,
    records: { append: (record) => context.records.append(cleaned(record)) },
    log: logWithoutSecrets(context.log, redact),
    onEvent: (event) => context.onEvent(cleaned(event)),
  };
}

export function logWithoutSecrets(log: Log, redact: Redact): Log {
  return { write: (level, event, fields) => log.write(level, event, redactStrings(fields, redact)) };
}
