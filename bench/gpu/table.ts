/** The rows of `npm run bench:gpu` as Markdown. Pure. */
import { formatBytes, formatSeconds } from "../../src/base/units.js";
import type { LimitRow } from "./limits.js";

const COLUMNS: readonly (readonly [string, (row: LimitRow) => string])[] = [
  ["experiment", ({ experiment }) => experiment],
  ["configuration", ({ configuration }) => configuration],
  ["weights", ({ weights_bytes }) => format(weights_bytes, formatBytes)],
  ["peak GPU", ({ peak_gpu_bytes }) => format(peak_gpu_bytes, formatBytes)],
  ["TTFT", ({ ttft_sec }) => format(ttft_sec, formatSeconds)],
  ["tokens/s", (row) => row.failure_code ?? format(row.decode_tokens_per_sec, (rate) => rate.toFixed(1))],
  ["limit, tokens/s", ({ limit_tokens_per_sec }) => format(limit_tokens_per_sec, (rate) => rate.toFixed(1))],
  ["share of limit", ({ limit_share }) => format(limit_share, (share) => `${(100 * share).toFixed(1)} %`)],
  ["J/token", ({ joules_per_token }) => format(joules_per_token, (joules) => joules.toFixed(2))],
];

function format(value: number | null, write: (value: number) => string): string {
  return value === null ? "–" : write(value);
}

export function formatLimitRows(rows: readonly LimitRow[]): string {
  const cells = [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, read]) => read(row)))];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const [header = "", ...lines] = cells.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  return [header, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines].join("\n");
}
