/** The values of a run's table, one row a configuration: the same at the terminal and in Markdown. */

import { isMostlyUnquantized, MOSTLY_UNQUANTIZED } from "../../analysis/quantized-share.js";
import { safeLine } from "../../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { cellText, resultColumns } from "./result-columns.js";

export interface ValueColumn {
  readonly header: string;
  readonly cell: (configuration: ConfigurationSummary) => string;
  /** Columns of the highest rank are dropped first when there is too little room; 0 is never dropped. */
  readonly dropRank: number;
}

/** The name as it stands in the table: `*` for the reference, `✗` where something of it failed or is missing. */
export function markedName(configuration: ConfigurationSummary): string {
  const mark = configuration.status === "completed" && configuration.failure === null ? "" : " ✗";
  const mostly = isMostlyUnquantized(configuration) ? ` (${MOSTLY_UNQUANTIZED})` : "";
  return `${safeLine(configuration.label)}${configuration.is_reference ? " *" : ""}${mostly}${mark}`;
}

/** As texts alone. */
export function buildValueColumns(summary: RunSummary): readonly ValueColumn[] {
  return resultColumns(summary).map((column) => ({
    header: column.header,
    cell: (configuration) => cellText(column, configuration),
    dropRank: column.dropRank,
  }));
}
