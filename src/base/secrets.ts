/** Keeps secrets out of what is stored: a library's error message repeats the URL that it failed on, including the password. */

export type Redact = (text: string) => string;

/** Names of environment variables that hold secrets. */
const SECRET_NAME = /token|secret|passw(or)?d|api_?key|access_?key|credential|private_?key/i;
/** Shorter values are words such as `true` or `0`, which occur everywhere. */
const SHORTEST_SECRET = 8;

const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]+@/gi;
const IN_QUERY = /([?&][\w.-]*(?:token|key|secret|password|signature|credential)=)[^&\s"'<>]+/gi;
const IN_HEADER = /\b((?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}/gi;
const HUB_TOKEN = /\bhf_[A-Za-z0-9]{16,}/g;

/** Returns a function that removes from a text the secrets in `env`, and anything else that looks like a secret. */
export function secretsRedactor(env: Readonly<Record<string, string | undefined>>): Redact {
  const secrets = [...new Set(Object.entries(env).flatMap(listSecrets))].sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, "[secret]");
    return clean
      .replaceAll(USER_INFO, "$1[credentials]@")
      .replaceAll(IN_QUERY, "$1[secret]")
      .replaceAll(IN_HEADER, "$1[secret]")
      .replaceAll(HUB_TOKEN, "[secret]");
  };
}

function listSecrets([name, value]: [string, string | undefined]): readonly string[] {
  if (value === undefined) return [];
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@/i.exec(value)?.[1];
  const found = [...(SECRET_NAME.test(name) ? [value] : []), ...(password === undefined ? [] : [password])];
  return found.filter((secret) => secret.length >= SHORTEST_SECRET);
}

/** A copy of plain data with every text in it redacted; errors become plain objects of their texts. */
export function redactStrings<T>(value: T, redact: Redact): T {
  return redacted(value, redact) as T;
}

function redacted(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((inner) => redacted(inner, redact));
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    return redacted({ ...value, name, message, stack, ...(cause === undefined ? {} : { cause }) }, redact);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redacted(inner, redact)]));
}
