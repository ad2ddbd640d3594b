/** What of a model is not what it was, by its fingerprints. */
import type { Fingerprints } from "../protocol/measurements.js";

const PARTS = [
  ["weights", "weights"],
  ["tokenizer", "tokenizer"],
  ["chat_template", "chat template"],
  ["generation_settings", "generation settings"],
] as const satisfies readonly (readonly [keyof Fingerprints, string])[];

/** `weights 3f2a… → 99c1…`; empty where all is the same, or one of the two is not known. */
export function describeModelChanges(
  before: Fingerprints | null,
  now: Fingerprints | null,
): readonly string[] {
  if (before === null || now === null) return [];
  return PARTS.flatMap(([part, name]) =>
    before[part] === now[part] || isUnrecorded(part, before, now)
      ? []
      : [`${name} ${shorten(before[part])} → ${shorten(now[part])}`],
  );
}

/** Older records do not tell the model's own generation settings; a chat template that is null is none. */
function isUnrecorded(part: keyof Fingerprints, before: Fingerprints, now: Fingerprints): boolean {
  return part === "generation_settings" && (before[part] === null || now[part] === null);
}

/** As people compare them; `none` for what is not there. */
export function shorten(fingerprint: string | null): string {
  return fingerprint === null ? "none" : fingerprint.slice(0, 12);
}
