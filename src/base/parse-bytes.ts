const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
};

/** `24GB`, `24 GiB`, `80e9` → bytes; GB is 1e9, GiB is 2³⁰. Null for anything else, and for nothing or less. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = UNITS[(match?.[2] ?? "?").toUpperCase()];
  const bytes = match === null || unit === undefined ? 0 : Number(match[1]) * unit;
  return Number.isFinite(bytes) && bytes > 0 ? Math.round(bytes) : null;
}
