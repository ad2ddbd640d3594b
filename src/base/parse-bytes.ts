/** Bytes in each unit, as it is written: GB is 1e9, GiB is 2³⁰. */
export const BYTE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};
const IN_CAPITALS = new Map(Object.entries(BYTE_UNITS).map(([unit, bytes]) => [unit.toUpperCase(), bytes]));

/** `24GB`, `24 GiB`, `80e9` → bytes; GB is 1e9, GiB is 2³⁰. Null for anything else, and for nothing or less. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = IN_CAPITALS.get((match?.[2] ?? "?").toUpperCase());
  const bytes = match === null || unit === undefined ? 0 : Number(match[1]) * unit;
  return Number.isFinite(bytes) && bytes > 0 ? Math.round(bytes) : null;
}
