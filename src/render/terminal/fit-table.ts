/** Tables for the terminal: columns are dropped, then cells narrowed, until a table is no wider than the terminal. */
import Table from "cli-table3";
import cliTruncate from "cli-truncate";
import pc from "picocolors";
import stringWidth from "string-width";
import { wrapText } from "../../base/text.js";

export interface TableColumn<R> {
  readonly header: string;
  readonly cell: (row: R) => string;
  /** Columns of the highest rank are dropped first if the terminal is too narrow; 0 is never dropped. */
  readonly dropRank: number;
  /** Right by default. */
  readonly align?: "left" | "right";
  /** Cells may be narrowed to this width; by default they are never narrowed. */
  readonly narrowest?: number;
  /** Columns are dropped before cells are narrowed further than this; `narrowest` by default. */
  readonly comfortable?: number;
  /** Narrows a cell, possibly into several lines; by default it is cut at its end. */
  readonly narrow?: (text: string, width: number) => string;
}

export interface TableStyle {
  /** Width of the terminal. */
  readonly columns: number;
  readonly color: boolean;
}

export interface FittedTable {
  readonly text: string;
  /** Whether the columns that must stay are still wider than the terminal. */
  readonly isTooWide: boolean;
  /** Headers of the columns that were dropped. */
  readonly dropped: readonly string[];
}

/** The usual first column: left-aligned names, cut if they have to be. */
export function nameColumn<R>(header: string, cell: (row: R) => string): TableColumn<R> {
  return { header, cell, dropRank: 0, align: "left", narrowest: 12, comfortable: 24 };
}

/** Draws one table row per entry of `rows`. No line is wider than `style.columns` unless the result says so. */
export function fitTable<R>(
  rows: readonly R[],
  columns: readonly TableColumn<R>[],
  style: TableStyle,
): FittedTable {
  const colors = pc.createColors(style.color);
  const wanted = columns.map((column) => {
    const width = Math.max(stringWidth(column.header), ...rows.map((row) => stringWidth(column.cell(row))));
    const narrowest = Math.min(width, column.narrowest ?? width);
    return { column, width, narrowest, comfortable: Math.min(width, column.comfortable ?? narrowest) };
  });
  const shown = dropColumns(wanted, style.columns);
  const widths = narrowWidest(shown, roomForCells(shown.length, style.columns));
  const cells = ({ column }: (typeof shown)[number], index: number, text: string) => {
    const width = widths[index] ?? 1;
    return stringWidth(text) <= width ? text : (column.narrow ?? truncate)(text, width);
  };
  const table = new Table({
    head: shown.map((one, index) => colors.bold(cells(one, index, one.column.header))),
    colAligns: shown.map(({ column }) => column.align ?? "right"),
    style: { head: [], border: style.color ? ["gray"] : [], compact: true },
  });
  for (const row of rows) table.push(shown.map((one, index) => cells(one, index, one.column.cell(row))));
  const text = table.toString();
  return {
    text,
    // Of what was drawn: a cell that is cut before a wide character is narrower than its column may be.
    isTooWide: text.split("\n").some((line) => stringWidth(line) > style.columns),
    dropped: columns.filter((one) => !shown.some(({ column }) => column === one)).map(({ header }) => header),
  };
}

/** The table, and below it the headers of the columns that the terminal has no room for. */
export function textWithDropped({ text, dropped }: FittedTable, style: TableStyle): string {
  if (dropped.length === 0) return text;
  const left = `Not shown for lack of space: ${dropped.join(", ")}.`;
  return [text, ...wrapText(left, style.columns).map(pc.createColors(style.color).dim)].join("\n");
}

interface Wanted<R> {
  readonly column: TableColumn<R>;
  readonly width: number;
  readonly narrowest: number;
  readonly comfortable: number;
}

/** Borders and padding take up three columns per cell, and one more at the end. */
function roomForCells(columns: number, width: number): number {
  return width - columns * 3 - 1;
}

function dropColumns<R>(wanted: readonly Wanted<R>[], width: number): readonly Wanted<R>[] {
  const first = Math.max(...wanted.map(({ column }) => column.dropRank));
  const needed = sum(wanted.map(({ comfortable }) => comfortable));
  if (first === 0 || needed <= roomForCells(wanted.length, width)) return wanted;
  return dropColumns(
    wanted.filter(({ column }) => column.dropRank !== first),
    width,
  );
}

/** Keeps narrowing the widest column that may still be narrowed, until all fit or none may. */
function narrowWidest(wanted: readonly Wanted<never>[], room: number): readonly number[] {
  const widths = wanted.map(({ width }) => width);
  while (sum(widths) > room) {
    const most = Math.max(...widths.filter((width, index) => width > (wanted[index]?.narrowest ?? width)));
    const widest = widths.findIndex(
      (width, index) => width === most && width > (wanted[index]?.narrowest ?? width),
    );
    if (widest === -1) break;
    widths[widest] = most - 1;
  }
  return widths;
}

/** The library keeps a two-column character that begins in the last column, which would make the text one column too wide. */
function truncate(text: string, width: number): string {
  const cut = cliTruncate(text, width);
  return stringWidth(cut) <= width ? cut : cliTruncate(text, width - 1);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
