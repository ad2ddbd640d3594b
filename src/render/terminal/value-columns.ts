/** The values of a run's table, one row per configuration; the same in the terminal and in Markdown. */

import { isMostlyUnquantized } from "../../analysis/quantized-share.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { shortName } from "../words/names.js";
import { MOSTLY_UNQUANTIZED } from "../words/quantized-share.js";
import { cellText, resultColumns } from "./result-columns.js";

export interface ValueColumn {
  readonly header: string;
  readonly cell: (configuration: ConfigurationSummary) => string;
  /** Columns of the highest rank are dropped first when there is too little room; 0 is never dropped. */
  readonly dropRank: number;
}

/** The name as the table shows it, with `*` for the reference, `✗` if something failed, and any other status in words. */
export function markedName(configuration: ConfigurationSummary, name = shortName(configuration)): string {
  const { status, failure, is_reference } = configuration;
  const isWhole = status === "completed" || status === "failed";
  const mark =
    failure !== null || status === "failed" ? " ✗" : isWhole ? "" : ` (${status.replaceAll("_", " ")})`;
  const mostly = isMostlyUnquantized(configuration) ? ` (${MOSTLY_UNQUANTIZED})` : "";
  return `${name}${is_reference ? " *" : ""}${mostly}${mark}`;
}

/** The columns of the table of results, with cells as plain text. */
export function buildValueColumns(summary: RunSummary): readonly ValueColumn[] {
  return resultColumns(summary).map((column) => ({
    header: column.header,
    cell: (configuration) => cellText(column, configuration),
    dropRank: column.dropRank,
  }));
}
