/** What `npm run check:gpu` prints: one table of figures and what was expected. Pure. */

export type Result = "ok" | "FAILED" | "skipped";

export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly expected: string;
  readonly result: Result;
  /** Why it failed or was skipped; empty otherwise. */
  readonly reason: string;
}

const HEADER = ["what", "figure", "expected", "result"];

/** The rows as Markdown, padded so that the table is also easy to read in a terminal. */
export function formatRows(rows: readonly Row[]): string {
  const cells = rows.map(({ what, figure, expected, result, reason }) =>
    [what, figure, expected, reason === "" ? result : `${result}: ${reason}`].map(escapeCell),
  );
  const widths = HEADER.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const formatLine = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [formatLine(HEADER), rule, ...cells.map(formatLine)].join("\n");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ").trim();
}

/** `12 ok, 0 FAILED, 3 skipped`. */
export function countResults(rows: readonly Row[]): string {
  const count = (result: Result) => rows.filter((row) => row.result === result).length;
  return `${count("ok")} ok, ${count("FAILED")} FAILED, ${count("skipped")} skipped`;
}
