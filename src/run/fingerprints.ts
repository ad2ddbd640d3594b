/** Which parts of a model have changed, judged by its fingerprints. */
import type { Fingerprints } from "../protocol/measurements.js";

const PARTS = [
  ["weights", "weights"],
  ["tokenizer", "tokenizer"],
  ["chat_template", "chat template"],
  ["generation_settings", "generation settings"],
] as const satisfies readonly (readonly [keyof Fingerprints, string])[];

/** One for each part that changed, shortened; empty if nothing changed, or if either model's fingerprints are unknown. */
export function findModelChanges(before: Fingerprints | null, now: Fingerprints | null) {
  if (before === null || now === null) return [];
  return PARTS.flatMap(([part, what]) =>
    before[part] === now[part] || isUnrecorded(part, before, now)
      ? []
      : [{ what, before: shorten(before[part]), after: shorten(now[part]) }],
  );
}

/** `weights 3f2a… → 99c1…`, one for each part that changed. */
export function describeModelChanges(
  before: Fingerprints | null,
  now: Fingerprints | null,
): readonly string[] {
  return findModelChanges(before, now).map((one) => `${one.what} ${one.before} → ${one.after}`);
}

/**
 * Older records lack the model's own generation settings, so null is unknown there. A chat template that is null means that
 * there is none.
 */
function isUnrecorded(part: keyof Fingerprints, before: Fingerprints, now: Fingerprints): boolean {
  return part === "generation_settings" && (before[part] === null || now[part] === null);
}

/** Shortens a fingerprint so that people can compare it; `none` for null. */
export function shorten(fingerprint: string | null): string {
  return fingerprint === null ? "none" : fingerprint.slice(0, 12);
}
