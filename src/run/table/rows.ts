/** Turns runs into flat rows: one per trial, and one for a configuration without any, so that no configuration is missing. */
import type { RunData } from "../run-data.js";
import type { Cell, RowSource, TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";

/** The rows in the order of the runs, their configurations and their trials, one after another, so that not all need be in memory. */
export function* listRows(runs: readonly RunData[]): Generator<TableRow> {
  for (const source of listSources(runs)) yield nameCells(readCells(source));
}

/** Rows that are kept in memory: only their cells are stored, which take an eighth of the space of whole rows. */
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
