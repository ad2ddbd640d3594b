/** A time limit in the formats that sbatch accepts: minutes, 30:00, 01:30:00, 1-12, 1-12:30, 1-12:30:00. */

const DAYS = /^(\d+)-(\d+)(?::(\d+))?(?::(\d+))?$/;
const CLOCK = /^(?:(\d+):)?(\d+):(\d+)$/;

/** Returns seconds; null if there is no limit, or an unlimited one. */
export function parseTimeLimit(limit: string | number | undefined): number | null {
  if (limit === undefined) return null;
  const text = String(limit).trim();
  if (/^\d+$/.test(text)) return Number(text) * 60 || null;
  const [, days, hours, minutes, seconds] =
    DAYS.exec(text) ?? CLOCK.exec(text)?.toSpliced(1, 0, "0") ?? ([] as string[]);
  if (days === undefined) return null;
  const [day, hour, minute, second] = [days, hours, minutes, seconds].map((one) => Number(one ?? 0));
  return (((day ?? 0) * 24 + (hour ?? 0)) * 60 + (minute ?? 0)) * 60 + (second ?? 0) || null;
}
