/** One or more runs → one document. */

import { summarize } from "../../analysis/summary.js";
import type { RunData } from "../../run/run-data.js";
import type { RunSummary } from "../../run/summary-schema.js";
import type { TableRow } from "../../run/table/column.js";
import { tableCsv } from "../../run/table/csv.js";
import { tableParquet } from "../../run/table/parquet.js";
import { tableRows } from "../../run/table/rows.js";
import { runMarkdown } from "../markdown/markdown.js";
import type { DocumentFormat } from "./formats.js";

export const EXPORT_SCHEMA_VERSION = 1;

/** Takes runs one after another and keeps of each only what the document needs, so that thousands fit. */
export interface Exporter {
  add(data: RunData): void;
  /** The document of the runs that were added, in their order. */
  content(): string | Uint8Array;
}

export function exporter(format: DocumentFormat): Exporter {
  const rows: TableRow[] = [];
  const summaries: RunSummary[] = [];
  const addRows = (data: RunData) => {
    for (const row of tableRows([data])) rows.push(row);
  };
  const addSummary = (data: RunData) => void summaries.push(summarize(data));
  switch (format) {
    case "csv":
      return { add: addRows, content: () => tableCsv(rows) };
    case "parquet":
      return { add: addRows, content: () => tableParquet(rows) };
    case "markdown":
      return { add: addSummary, content: () => summaries.map(runMarkdown).join("\n") };
    case "json":
      return {
        add: (data) => {
          addSummary(data);
          addRows(data);
        },
        content: () => {
          const document = { schema_version: EXPORT_SCHEMA_VERSION, summaries, rows };
          return `${JSON.stringify(document, null, 2)}\n`;
        },
      };
  }
}
