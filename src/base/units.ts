/** Units as people read them. GB is 1e9 bytes everywhere (docs/metrics.md); GiB is never shortened to GB. */
export const BYTES_PER_MB = 1e6;
export const BYTES_PER_GB = 1e9;

/** `1234567890` → `1.23 GB`; below 1 GB, MB without decimals (`269 MB`); below 10 MB, MB with one decimal. */
export function formatBytes(bytes: number): string {
  const sign = bytes < 0 ? "-" : "";
  const size = Math.abs(bytes);
  if (size >= BYTES_PER_GB) return `${sign}${(size / BYTES_PER_GB).toFixed(2)} GB`;
  const megabytes = size / BYTES_PER_MB;
  return `${sign}${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`;
}

/** `0.123` → `123 ms`; `12.3` → `12.3 s`; `125` → `2 min 05 s`; `7300` → `2 h 02 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** Nats with three significant digits: `0.0167`, `0.421`. */
export function formatNats(nats: number): string {
  if (nats === 0) return "0";
  if (nats >= 100) return nats.toFixed(0);
  return nats >= 0.001 ? String(Number(nats.toPrecision(3))) : nats.toExponential(1);
}

/** Bytes per unit, by the unit's spelling: GB is 1e9, GiB is 2³⁰. */
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

/** `24GB`, `24 GiB`, `80e9` → bytes; GB is 1e9, GiB is 2³⁰. Null for anything else, and for zero. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = IN_CAPITALS.get((match?.[2] ?? "?").toUpperCase());
  const bytes = match === null || unit === undefined ? 0 : Number(match[1]) * unit;
  return Number.isFinite(bytes) && bytes > 0 ? Math.round(bytes) : null;
}
