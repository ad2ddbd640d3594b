/** Parses JSON from texts that may not be JSON, and writes it so that equal values give equal bytes. */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** Parses a text as JSON; undefined, which no JSON text stands for, if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** RFC 8785 canonical JSON: equal values give equal bytes, whatever the key order. Throws on undefined. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("canonicalJson: value is not JSON");
  return text;
}

/** Hex SHA-256 of the canonical JSON of `value`. */
export function sha256OfValue(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

/** Hex SHA-256 of UTF-8 text. */
export function sha256OfText(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
