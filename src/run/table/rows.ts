/** Runs → flat rows: one a trial, and one for a configuration without any, so that none is lost. */
import type { RunData } from "../run-data.js";
import type { Cell, RowSource, TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";

/** In the order of the runs, their configurations and their trials. */
export function tableRows(runs: readonly RunData[]): TableRow[] {
  return [...listRows(runs)];
}

/** The same one after another, so that they need not all be there at once. */
export function* listRows(runs: readonly RunData[]): Generator<TableRow> {
  for (const source of listSources(runs)) yield nameCells(readCells(source));
}

/** Rows that are kept: of each only its cells, an eighth of what the row itself would take. */
export class KeptRows implements Iterable<TableRow> {
  readonly #cells: (readonly Cell[])[] = [];

  add(data: RunData): void {
    for (const source of listSources([data])) this.#cells.push(readCells(source));
  }

  get length(): number {
    return this.#cells.length;
  }

  *[Symbol.iterator](): Generator<TableRow> {
    for (const cells of this.#cells) yield nameCells(cells);
  }
}

function* listSources(runs: readonly RunData[]): Generator<RowSource> {
  for (const data of runs) {
    for (const configuration of data.configurations) {
      if (configuration.trials.length === 0) yield { data, configuration, trial: null };
      for (const trial of configuration.trials) yield { data, configuration, trial };
    }
  }
}

function readCells(source: RowSource): readonly Cell[] {
  return COLUMNS.map(({ readCell }) => readCell(source) ?? null);
}

function nameCells(cells: readonly Cell[]): TableRow {
  return Object.fromEntries(COLUMNS.map(({ name }, index): [string, Cell] => [name, cells[index] ?? null]));
}
