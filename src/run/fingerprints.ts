/** What of a model is not what it was, by its fingerprints. */
import type { Fingerprints } from "../protocol/measurements.js";

const PARTS = [
  ["weights", "weights"],
  ["tokenizer", "tokenizer"],
  ["chat_template", "chat template"],
] as const satisfies readonly (readonly [keyof Fingerprints, string])[];

/** `weights 3f2a… → 99c1…`; empty where all is the same, or one of the two is not known. */
export function describeModelChanges(
  before: Fingerprints | null,
  now: Fingerprints | null,
): readonly string[] {
  if (before === null || now === null) return [];
  return PARTS.flatMap(([part, name]) =>
    before[part] === now[part] ? [] : [`${name} ${shorten(before[part])} → ${shorten(now[part])}`],
  );
}

/** As people compare them; `none` for what is not there. */
export function shorten(fingerprint: string | null): string {
  return fingerprint === null ? "none" : fingerprint.slice(0, 12);
}
