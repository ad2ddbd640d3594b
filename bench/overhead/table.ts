/** The bench's result as text. Pure. */
import type { LoadSummary, SideUse } from "./load-summary.js";
import type { RatioInterval, Verdict } from "./statistics.js";

export interface Row extends LoadSummary {
  readonly what: string;
  readonly interval: RatioInterval | null;
  /** Null if nothing is promised. */
  readonly limit: number | null;
  readonly verdict: Verdict;
}

/** One line per row, and below it one with what both sides used. */
export function formatTable(rows: readonly Row[]): string {
  return rows.flatMap((row) => [formatLine(row), ...formatUses(row)]).join("\n");
}

function formatLine({ what, interval, limit, verdict, disturbed }: Row): string {
  const name = what.padEnd(32);
  if (interval === null)
    return `${name} too few undisturbed loads (${disturbed} pairs disturbed): not resolved`;
  const { ratio, halfWidth, low, high, loads, pairs } = interval;
  const figures = `${ratio.toFixed(4)} ± ${halfWidth.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`;
  const counted = `${pairs} pairs in ${loads} loads, ${disturbed} disturbed`;
  const promised = limit === null ? formatResolved(verdict) : `limit ${limit}: ${verdict}`;
  return `${name} ${figures}, ${counted}; ${promised}`;
}

function formatResolved(verdict: Verdict): string {
  return verdict === "not resolved" ? verdict : "resolved";
}

function formatUses({ use }: Row): string[] {
  if (use === null) return [];
  return [`    medians: ${formatUse(use.measured)} against ${formatUse(use.against)}`];
}

function formatUse({ elapsedSec, cpuSec, minorFaults, waitedSec, besideCpuSec }: SideUse): string {
  const parts = [
    `${elapsedSec.toFixed(3)} s`,
    ...(cpuSec === null ? [] : [`${cpuSec.toFixed(3)} CPU s`]),
    ...(besideCpuSec === null ? [] : [`${(1000 * besideCpuSec).toFixed(1)} ms beside`]),
    ...(waitedSec === null ? [] : [`waited ${(1000 * waitedSec).toFixed(0)} ms`]),
    ...(minorFaults === null ? [] : [`${Math.round(minorFaults)} faults`]),
  ];
  return parts.join(", ");
}
