/** Runs → flat rows: one a trial, and one for a configuration without any, so that none is lost. */
import type { RunData } from "../run-data.js";
import type { Cell, RowSource, TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";

/** In the order of the runs, their configurations and their trials. */
export function tableRows(runs: readonly RunData[]): TableRow[] {
  return runs.flatMap(rowSources).map(buildRow);
}

function rowSources(data: RunData): RowSource[] {
  return data.configurations.flatMap((configuration) => {
    const trials = configuration.trials.length === 0 ? [null] : configuration.trials;
    return trials.map((trial) => ({ data, configuration, trial }));
  });
}

function buildRow(source: RowSource): TableRow {
  return Object.fromEntries(
    COLUMNS.map(({ name, readCell }): [string, Cell] => [name, readCell(source) ?? null]),
  );
}
