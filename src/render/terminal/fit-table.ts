/** The tables of the terminal: columns are left out, then cells narrowed, until they are no wider than it. */
import Table from "cli-table3";
import cliTruncate from "cli-truncate";
import pc from "picocolors";
import stringWidth from "string-width";
import { wrapText } from "../../base/text.js";

export interface TableColumn<R> {
  readonly header: string;
  readonly cell: (row: R) => string;
  /** The highest goes first where the terminal is too narrow; 0 stays. */
  readonly dropRank: number;
  /** To the right where nothing else is said. */
  readonly align?: "left" | "right";
  /** Cells may be narrowed to so many columns; never where nothing is said. */
  readonly narrowest?: number;
  /** Columns are left out before cells are narrowed further than this; `narrowest` where nothing is said. */
  readonly comfortable?: number;
  /** How a cell is narrowed: cut at its end where nothing is said. May give several lines. */
  readonly narrow?: (text: string, width: number) => string;
}

export interface TableStyle {
  /** Width of the terminal. */
  readonly columns: number;
  readonly color: boolean;
}

export interface FittedTable {
  readonly text: string;
  /** Whether what must stay is wider than the terminal all the same. */
  readonly isTooWide: boolean;
  /** Heads of the columns that were left out. */
  readonly dropped: readonly string[];
}

/** The usual first column: names to the left, cut where it has to be. */
export function nameColumn<R>(header: string, cell: (row: R) => string): TableColumn<R> {
  return { header, cell, dropRank: 0, align: "left", narrowest: 12, comfortable: 24 };
}

/** One row a line. No line is wider than `style.columns`, save where the result says so. */
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
  return {
    text: table.toString(),
    isTooWide: sum(widths) > roomForCells(shown.length, style.columns),
    dropped: columns.filter((one) => !shown.some(({ column }) => column === one)).map(({ header }) => header),
  };
}

/** The table, and below it the heads of the columns that the terminal has no room for. */
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

/** Borders and padding take three columns a cell and one at the end. */
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

/** Takes from the widest column that may be narrower until all fit, or none may. */
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

/** A character of two columns that begins in the last one is kept by the library, and would be one too many. */
function truncate(text: string, width: number): string {
  const cut = cliTruncate(text, width);
  return stringWidth(cut) <= width ? cut : cliTruncate(text, width - 1);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
