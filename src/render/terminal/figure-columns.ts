/** The figures of a run's table, one row a configuration: the same at the terminal and in Markdown. */

import type { ConfigurationSummary, RunSummary } from "../../analysis/summary.js";
import { safeLine } from "../../base/untrusted-text.js";
import { cellText, resultColumns } from "./result-columns.js";

export interface FigureColumn {
  readonly head: string;
  readonly cell: (configuration: ConfigurationSummary) => string;
  /** The highest goes first where there is too little room. */
  readonly droppable: number;
}

/** The name as it stands in the table: `*` for the reference, `✗` where something of it failed or is missing. */
export function markedName(configuration: ConfigurationSummary): string {
  const mark = configuration.status === "completed" && configuration.failure === null ? "" : " ✗";
  return `${safeLine(configuration.label)}${configuration.is_reference ? " *" : ""}${mark}`;
}

/** As texts alone. */
export function figureColumns(summary: RunSummary): readonly FigureColumn[] {
  return resultColumns(summary).map((column) => ({
    head: column.head,
    cell: (configuration) => cellText(column, configuration),
    droppable: column.droppable,
  }));
}
