/** A plain table for the terminal: the first column's names, values to the right. */
import Table from "cli-table3";
import cliTruncate from "cli-truncate";
import pc from "picocolors";
import stringWidth from "string-width";
import { dropColumnsToFit } from "./drop-columns.js";

export interface GridColumn<R> {
  readonly header: string;
  readonly cell: (row: R) => string;
  /** The highest goes first where the terminal is too narrow; 0 stays. */
  readonly dropRank: number;
}

const NARROWEST_NAME = 12;

/** Lines no wider than `columns`, save where the columns that must stay are wider. */
export function grid<R>(
  rows: readonly R[],
  name: { readonly header: string; readonly cell: (row: R) => string },
  valueColumns: readonly GridColumn<R>[],
  style: { readonly columns: number; readonly color: boolean },
): string {
  const colors = pc.createColors(style.color);
  const measureWidth = ({ header, cell }: GridColumn<R>) =>
    Math.max(stringWidth(header), ...rows.map((row) => stringWidth(cell(row))));
  const widestName = Math.max(stringWidth(name.header), ...rows.map((row) => stringWidth(name.cell(row))));
  // Borders and padding take three columns a cell and one at the end.
  const nameRoom = (columns: readonly GridColumn<R>[]) =>
    style.columns - columns.reduce((sum, column) => sum + measureWidth(column) + 3, 4);
  const shown = dropColumnsToFit(
    valueColumns,
    (columns) => nameRoom(columns) >= Math.min(widestName, NARROWEST_NAME * 2),
  );
  const room = Math.max(NARROWEST_NAME, Math.min(widestName, nameRoom(shown)));
  const table = new Table({
    head: [name.header, ...shown.map(({ header }) => header)].map((header) => colors.bold(header)),
    colAligns: ["left", ...shown.map(() => "right" as const)],
    style: { head: [], border: style.color ? ["gray"] : [], compact: true },
  });
  for (const row of rows) {
    table.push([cliTruncate(name.cell(row), room), ...shown.map(({ cell }) => cell(row))]);
  }
  return table.toString();
}
